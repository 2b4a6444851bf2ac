import { Anchor } from "@mantine/core";
import { Link } from "@tanstack/react-router";

/** A task's id, leading to its page. */
export function TaskLink({ id }: { id: string }) {
  return (
    <Anchor
      component={Link}
      size="sm"
      className="sy-mono"
      to="/console/tasks/$taskId"
      params={{ taskId: id } as never}
    >
      {id}
    </Anchor>
  );
}
