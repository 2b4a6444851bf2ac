import { Text } from "@mantine/core";

export interface Bar {
  readonly name: string;
  readonly value: number;
}

interface BarChartProps {
  readonly bars: readonly Bar[];
  readonly label: string;
  readonly shown: (value: number) => string;
}

const HEIGHT = 132;
const LINES = [0, 0.5, 1];

/** The least round number that is not below: 1, 2 or 5 times a power of ten. */
export function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((n) => n * power >= value) ?? 10) * power;
}

/**
 * Columns over time, drawn without a library. The same figures stand in the table beside, so it is an image to screen readers. Time goes
 * from left to right in every language, as its dates do.
 */
export function BarChart({ bars, label, shown }: BarChartProps) {
  const most = roundUp(Math.max(...bars.map((bar) => bar.value), 0));
  const step = 100 / Math.max(1, bars.length);
  const sum = bars.reduce((all, bar) => all + bar.value, 0);
  return (
    <figure style={{ margin: 0 }}>
      <figcaption className="sy-chart-head">
        <Text size="sm" fw={600}>
          {label}
        </Text>
        <Text size="sm" c="dimmed" style={{ fontVariantNumeric: "tabular-nums" }}>
          {shown(sum)}
        </Text>
      </figcaption>
      <div dir="ltr" className="sy-chart">
        <div className="sy-chart-scale" style={{ height: HEIGHT }} aria-hidden>
          {[...LINES].reverse().map((part) => (
            <span key={part}>{shown(most * part)}</span>
          ))}
        </div>
        <svg
          role="img"
          aria-label={label}
          viewBox={`0 0 100 ${HEIGHT}`}
          preserveAspectRatio="none"
          width="100%"
          height={HEIGHT}
        >
          {LINES.map((part) => (
            <line
              key={part}
              x1="0"
              x2="100"
              y1={HEIGHT - 1 - part * (HEIGHT - 2)}
              y2={HEIGHT - 1 - part * (HEIGHT - 2)}
              stroke="var(--sy-line)"
              strokeWidth="1"
              vectorEffect="non-scaling-stroke"
            />
          ))}
          {bars.map((bar, at) => {
            const height = (bar.value / most) * (HEIGHT - 2);
            return (
              <rect
                key={bar.name}
                className="sy-bar"
                x={at * step + step * 0.15}
                width={step * 0.7}
                y={HEIGHT - 1 - height}
                height={height}
              >
                <title>{`${bar.name}: ${shown(bar.value)}`}</title>
              </rect>
            );
          })}
        </svg>
        {bars.length > 0 && (
          <div className="sy-chart-days">
            <span>{bars[0]?.name}</span>
            <span>{bars.length > 1 && bars.at(-1)?.name}</span>
          </div>
        )}
      </div>
    </figure>
  );
}
