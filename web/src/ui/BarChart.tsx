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

const HEIGHT = 140;

/** Columns over time, drawn without a library. The same figures stand in the table beside, so it is an image to screen readers. */
export function BarChart({ bars, label, shown }: BarChartProps) {
  const most = Math.max(1, ...bars.map((bar) => bar.value));
  const step = 100 / Math.max(1, bars.length);
  return (
    <figure style={{ margin: 0 }}>
      <Text component="figcaption" size="sm" fw={600} mb={4}>
        {label}
      </Text>
      <svg
        role="img"
        aria-label={label}
        viewBox={`0 0 100 ${HEIGHT}`}
        preserveAspectRatio="none"
        width="100%"
        height={HEIGHT}
      >
        <line
          x1="0"
          x2="100"
          y1={HEIGHT - 1}
          y2={HEIGHT - 1}
          stroke="var(--sy-line)"
          strokeWidth="1"
          vectorEffect="non-scaling-stroke"
        />
        {bars.map((bar, at) => {
          const height = (bar.value / most) * (HEIGHT - 12);
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
        <div style={{ display: "flex", justifyContent: "space-between" }}>
          <Text size="xs" c="dimmed">
            {bars[0]?.name}
          </Text>
          <Text size="xs" c="dimmed">
            {bars.length > 1 && bars.at(-1)?.name}
          </Text>
        </div>
      )}
    </figure>
  );
}
