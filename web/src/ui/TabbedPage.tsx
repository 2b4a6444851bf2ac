import { Tabs } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Filters } from "./Filters";
import { Page } from "./Page";

export interface PageTab {
  readonly id: string;
  readonly title: string;
  /** What narrows the tab's table, above it. */
  readonly filters?: ReactNode;
  readonly table: ReactNode;
}

interface TabbedPageProps {
  readonly title: string;
  readonly actions?: ReactNode;
  readonly tabs: readonly PageTab[];
  /** Filters that all tabs share; they keep their values from tab to tab. */
  readonly filters?: ReactNode;
}

/** A page of several tables, one at a time, each below its filters. */
export function TabbedPage({ title, actions, tabs, filters }: TabbedPageProps) {
  const { t } = useTranslation();
  return (
    <Page title={title} actions={actions}>
      <Tabs defaultValue={tabs[0]?.id ?? null} keepMounted={false}>
        <Tabs.List mb="sm" aria-label={t("console.views")}>
          {tabs.map((tab) => (
            <Tabs.Tab key={tab.id} value={tab.id}>
              {tab.title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {filters !== undefined && <Filters>{filters}</Filters>}
        {tabs.map((tab) => (
          <Tabs.Panel key={tab.id} value={tab.id}>
            {tab.filters !== undefined && <Filters>{tab.filters}</Filters>}
            {tab.table}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
