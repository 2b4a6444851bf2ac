import { ActionIcon, Badge, Burger, Group, Menu, NavLink, Text, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconFlask, IconLayoutSidebar, IconLogout, IconUserCircle } from "@tabler/icons-react";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { signOut } from "../api/client";
import { queryClient } from "../api/queries";
import { isLead, setMode, useSession } from "../api/session";
import { toldProblem } from "../ui/feedback";
import { Logo } from "../ui/Logo";
import { PreferenceItems } from "../ui/Preferences";
import { chooseRail, usePrefs } from "../ui/prefs";
import { NotForRole } from "./NotFound";
import { GROUPS, isForLeads, NAV } from "./nav";

function Rail({ narrow, onChosen }: { narrow: boolean; onChosen: () => void }) {
  const { t } = useTranslation();
  const role = useSession((s) => s.info?.member.role);
  const path = useRouterState({ select: (s) => s.location.pathname });
  return (
    <nav aria-label={t("app.navigation")}>
      {GROUPS.map((group) => {
        const items = NAV.filter((n) => n.group === group && role !== undefined && n.roles.includes(role));
        if (items.length === 0) return null;
        return (
          <div key={group}>
            {!narrow && group !== "work" && (
              <Text size="xs" c="dimmed" fw={600} px="sm" pt="sm" pb={4}>
                {t(`app.nav.group.${group}`)}
              </Text>
            )}
            {items.map(({ to, key, icon: Icon, exact }) => {
              const active = exact ? path === to : path.startsWith(to);
              return (
                <Tooltip key={to} label={t(key)} position="right" disabled={!narrow}>
                  <NavLink
                    component={Link}
                    to={to}
                    className="sy-nav"
                    active={active}
                    aria-current={active ? "page" : undefined}
                    label={narrow ? undefined : t(key)}
                    aria-label={t(key)}
                    leftSection={<Icon size={18} stroke={1.7} aria-hidden />}
                    onClick={onChosen}
                    px="sm"
                  />
                </Tooltip>
              );
            })}
          </div>
        );
      })}
    </nav>
  );
}

function UserMenu() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { info, mode } = useSession();
  if (info === null) return null;
  const { member } = info;
  const name = [member.first_name, member.last_name].filter(Boolean).join(" ") || member.email;
  async function leave() {
    try {
      await signOut();
      queryClient.clear();
      await navigate({ to: "/login" });
    } catch (error) {
      toldProblem(error);
    }
  }
  return (
    <Menu position="bottom-end" width={250}>
      <Menu.Target>
        <ActionIcon variant="subtle" size="lg" aria-label={t("app.userMenu", { name })}>
          <IconUserCircle size={24} stroke={1.6} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--mantine-color-text)">
            {name}
          </Text>
          <Text size="xs">
            {member.account} · {t(`app.role.${member.role}`)}
          </Text>
        </Menu.Label>
        {isLead(member.role) && (
          <Menu.Item
            leftSection={<IconFlask size={16} aria-hidden />}
            onClick={() => {
              setMode(mode === "live" ? "test" : "live");
              queryClient.clear();
            }}
          >
            {t(mode === "live" ? "app.toTest" : "app.toLive")}
          </Menu.Item>
        )}
        <Menu.Divider />
        <PreferenceItems />
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void leave()}>
          {t("app.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Top bar, navigation rail and the page. */
export default function Shell() {
  const { t } = useTranslation();
  const [opened, { toggle, close }] = useDisclosure();
  const narrow = usePrefs((p) => p.rail);
  const mode = useSession((s) => s.mode);
  const role = useSession((s) => s.info?.member.role);
  const path = useRouterState({ select: (s) => s.location.pathname });
  return (
    <>
      <a href="#main" className="sy-skip">
        {t("app.skip")}
      </a>
      <header className="sy-top">
        <Group gap="sm" wrap="nowrap">
          <Burger
            opened={opened}
            onClick={toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label={t("app.navigation")}
          />
          <Link to="/" aria-label="Steelyard" style={{ color: "inherit", textDecoration: "none" }}>
            <Logo />
          </Link>
          {mode === "test" && (
            <Badge color="amber" variant="light" radius="sm" tt="none">
              {t("app.testMode")}
            </Badge>
          )}
        </Group>
        <UserMenu />
      </header>
      <div className="sy-side" data-narrow={narrow || undefined} data-opened={opened || undefined}>
        <Rail narrow={narrow && !opened} onChosen={close} />
        <Tooltip label={t("app.rail")} position="right">
          <ActionIcon
            variant="subtle"
            color="gray"
            visibleFrom="sm"
            aria-label={t("app.rail")}
            aria-pressed={narrow}
            onClick={() => chooseRail(!narrow)}
          >
            <IconLayoutSidebar size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </div>
      <main id="main" tabIndex={-1} className="sy-main">
        {role === "labeler" && isForLeads(path) ? <NotForRole /> : <Outlet />}
      </main>
    </>
  );
}
