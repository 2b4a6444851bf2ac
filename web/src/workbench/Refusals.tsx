/** Why keys that were pressed do nothing now, for a moment: silence would look like a fault. */

import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { CommandRegistry } from "../commands/registry";

const SHOWN_MS = 2500;

export function Refusals({ registry }: { readonly registry: CommandRegistry }) {
  const { t } = useTranslation();
  const [told, setTold] = useState<{ readonly why: string } | null>(null);
  useEffect(() => {
    registry.onRefused = (why) => setTold({ why });
    return () => {
      registry.onRefused = null;
    };
  }, [registry]);
  useEffect(() => {
    if (told === null) return undefined;
    const timer = setTimeout(() => setTold(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [told]);
  return (
    <div aria-live="polite" className="steelyard-refusal">
      {told !== null && <span>{t(told.why)}</span>}
    </div>
  );
}
