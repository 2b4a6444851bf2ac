import {
  Anchor,
  Button,
  Group,
  Image,
  Loader,
  Paper,
  SegmentedControl,
  Stack,
  Text,
  Title,
} from "@mantine/core";
import { IconExternalLink, IconZoomIn, IconZoomOut } from "@tabler/icons-react";
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useDark } from "../ui/useDark";
import { framedPage, markdownPage } from "./markdown";
import { sanitized } from "./sanitize";

/** Something to read, see or hear beside a form. `content` is the text itself, or the customer's address, which is shown and never loaded. */
export interface Item {
  readonly kind: string;
  readonly content: string;
  /** The file on our own origin; null while or because there is none. */
  readonly url: string | null;
  readonly title: string;
  readonly pages?: readonly { readonly image: string; readonly text?: string }[];
}

export type Players = RefObject<Map<number, HTMLMediaElement>>;

interface Props {
  readonly items: readonly Item[];
  readonly players: Players;
  readonly columns?: boolean;
}

/** Attachments of every kind, each shown so that nothing in it can run or reach another host. */
export function Attachments({ items, players, columns = false }: Props) {
  return (
    <div
      style={
        columns
          ? {
              display: "grid",
              gap: 20,
              gridTemplateColumns: `repeat(${Math.min(items.length, 3)}, minmax(0, 1fr))`,
            }
          : { display: "grid", gap: 24 }
      }
    >
      {items.map((item, i) => (
        <section
          key={item.title}
          aria-label={item.title}
          className="steelyard-attachment"
          data-attachment={i}
        >
          {items.length > 1 && (
            <Title order={2} size="h6" mb={6}>
              {item.title}
            </Title>
          )}
          <One item={item} index={i} players={players} />
        </section>
      ))}
    </div>
  );
}

function One({
  item,
  index,
  players,
}: {
  readonly item: Item;
  readonly index: number;
  readonly players: Players;
}) {
  const { t } = useTranslation();
  switch (item.kind) {
    case "text":
      return item.url === null ? (
        <TextItem text={item.content} title={item.title} />
      ) : (
        <FileItem item={item} url={item.url} />
      );
    case "html":
      return item.url === null ? <Missing item={item} /> : <FileItem item={item} url={item.url} />;
    case "image":
      return item.url === null ? <Missing item={item} /> : <Picture url={item.url} title={item.title} />;
    case "audio":
    case "video":
      return item.url === null ? (
        <Missing item={item} />
      ) : (
        <Player item={item} url={item.url} index={index} players={players} />
      );
    case "pdf":
      if (item.pages !== undefined && item.pages.length > 0)
        return (
          <Stack gap="sm">
            {item.pages.map((page, i) => (
              <img
                key={page.image}
                src={page.image}
                alt={page.text || t("forms.page", { n: i + 1 })}
                loading="lazy"
              />
            ))}
          </Stack>
        );
      return <Missing item={item} />;
    default:
      return <Missing item={item} />;
  }
}

/** What is opened in a window of its own: PDFs without page images, websites, files that are not there. */
function Missing({ item }: { readonly item: Item }) {
  const { t } = useTranslation();
  const web = /^https?:\/\//i.test(item.content);
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {item.kind === "website" || item.url === null ? item.content : t("forms.opensElsewhere")}
        </Text>
        {(item.url !== null || web) && (
          <Group>
            <Button
              component="a"
              size="xs"
              variant="default"
              href={item.url ?? item.content}
              target="_blank"
              rel="noreferrer noopener"
              rightSection={<IconExternalLink size={14} />}
            >
              {t("forms.open")}
            </Button>
          </Group>
        )}
      </Stack>
    </Paper>
  );
}

const LARGEST_TEXT = 2_000_000;

/** A text or HTML file of our own origin, read and shown in a frame without rights. */
function FileItem({ item, url }: { readonly item: Item; readonly url: string }) {
  const { t } = useTranslation();
  const dark = useDark();
  const [read, setRead] = useState<{ text: string; more: boolean } | "failed" | null>(null);
  useEffect(() => {
    const leaving = new AbortController();
    setRead(null);
    fetch(url, { signal: leaving.signal })
      .then(async (answer) => {
        if (!answer.ok) throw new Error(String(answer.status));
        const text = await answer.text();
        setRead({ text: text.slice(0, LARGEST_TEXT), more: text.length > LARGEST_TEXT });
      })
      .catch(() => {
        if (!leaving.signal.aborted) setRead("failed");
      });
    return () => leaving.abort();
  }, [url]);
  if (read === null) return <Loader size="sm" aria-label={t("workbench.loading")} />;
  if (read === "failed") return <Missing item={item} />;
  return (
    <Stack gap={4}>
      {item.kind === "html" ? (
        <iframe
          title={item.title}
          sandbox=""
          key={String(dark)}
          srcDoc={framedPage(sanitized(read.text), dark)}
          style={{ height: "70vh" }}
        />
      ) : (
        <TextItem text={read.text} title={item.title} />
      )}
      {read.more && <Missing item={item} />}
    </Stack>
  );
}

function TextItem({ text, title }: { readonly text: string; readonly title: string }) {
  const dark = useDark();
  const page = useMemo(() => markdownPage(text, dark), [text, dark]);
  const lines = text.split("\n").length + text.length / 90;
  return (
    <iframe
      title={title}
      sandbox=""
      key={String(dark)}
      srcDoc={page}
      style={{ height: `min(75vh, ${Math.round(60 + lines * 26)}px)` }}
    />
  );
}

function Picture({ url, title }: { readonly url: string; readonly title: string }) {
  const { t } = useTranslation();
  const [zoom, setZoom] = useState(1);
  return (
    <Stack gap={6}>
      <Group gap={4}>
        <Button
          size="compact-xs"
          variant="default"
          aria-label={t("forms.zoomOut")}
          disabled={zoom <= 1}
          onClick={() => setZoom(zoom / 1.5)}
        >
          <IconZoomOut size={14} />
        </Button>
        <Button
          size="compact-xs"
          variant="default"
          aria-label={t("forms.zoomIn")}
          disabled={zoom > 7}
          onClick={() => setZoom(zoom * 1.5)}
        >
          <IconZoomIn size={14} />
        </Button>
        <Anchor size="xs" href={url} target="_blank" rel="noreferrer noopener">
          {t("forms.open")}
        </Anchor>
      </Group>
      <div style={{ overflow: "auto", maxHeight: "78vh" }}>
        <Image
          src={url}
          alt={title}
          fit="contain"
          style={zoom === 1 ? undefined : { width: `${zoom * 100}%`, maxWidth: "none", maxHeight: "none" }}
        />
      </div>
    </Stack>
  );
}

function Player({
  item,
  url,
  index,
  players,
}: {
  readonly item: Item;
  readonly url: string;
  readonly index: number;
  readonly players: Players;
}) {
  const { t } = useTranslation();
  const [rate, setRate] = useState("1");
  const element = useRef<HTMLMediaElement | null>(null);
  const hold = (found: HTMLMediaElement | null) => {
    element.current = found;
    if (found === null) players.current.delete(index);
    else players.current.set(index, found);
  };
  const change = (given: string) => {
    setRate(given);
    if (element.current !== null) element.current.playbackRate = Number(given);
  };
  return (
    <Stack gap={6}>
      {item.kind === "audio" ? (
        // biome-ignore lint/a11y/useMediaCaption: customers' recordings come without captions
        <audio ref={hold} src={url} controls preload="metadata" aria-label={item.title} />
      ) : (
        // biome-ignore lint/a11y/useMediaCaption: customers' recordings come without captions
        <video ref={hold} src={url} controls preload="metadata" aria-label={item.title} />
      )}
      <SegmentedControl
        size="xs"
        aria-label={t("forms.speed")}
        value={rate}
        data={["0.5", "0.75", "1", "1.25", "1.5", "2"]}
        onChange={change}
        w="fit-content"
      />
    </Stack>
  );
}
