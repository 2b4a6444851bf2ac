import { Fragment } from "react";

/** An e-mail address that is broken into lines after its @ and at its dots, not in the middle of a word. */
export function Email({ of }: { of: string }) {
  return (
    <bdi>
      {of.split(/(?<=@)|(?=[.+_])/).map((part, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place in the address
        <Fragment key={at}>
          {at > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </bdi>
  );
}
