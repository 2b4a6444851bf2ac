/** Reference pictures beside the one to label; a press shows them large. */

import { Modal } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { MediaView } from "../registry";
import styles from "./image.module.css";

export function Context({ media }: { media: readonly MediaView[] }) {
  const { t } = useTranslation();
  const [large, setLarge] = useState<number | null>(null);
  const images = media.filter((m) => m.role === "context");
  if (images.length === 0) return null;
  const shown = large === null ? undefined : images[large];
  return (
    <section className={`${styles.section} ${styles.contexts}`} aria-labelledby="image-context">
      <div className={styles.head}>
        <h3 id="image-context">{t("image.context")}</h3>
      </div>
      <div className={styles.context}>
        {images.map((m, i) => (
          <button
            type="button"
            key={m.path}
            onClick={() => setLarge(i)}
            aria-label={t("image.contextNumber", { number: i + 1 })}
          >
            <img src={thumbnail(m)} alt="" loading="lazy" />
          </button>
        ))}
      </div>
      <Modal
        opened={shown !== undefined}
        onClose={() => setLarge(null)}
        size="auto"
        closeButtonProps={{ "aria-label": t("workbench.close") }}
        title={t("image.contextNumber", { number: (large ?? 0) + 1 })}
      >
        {shown && (
          <img
            src={shown.url}
            alt={t("image.contextNumber", { number: (large ?? 0) + 1 })}
            style={{ maxWidth: "86vw", maxHeight: "80vh" }}
          />
        )}
      </Modal>
    </section>
  );
}

const thumbnail = (m: MediaView): string =>
  typeof m.derived?.thumbnail === "string" ? m.derived.thumbnail : m.url;
