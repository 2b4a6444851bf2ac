/** Colours of labels: distinct for neighbours in the taxonomy, the same in every task, legible on light and dark ground. */

const HUES = [212, 28, 145, 340, 268, 48, 186, 8, 95, 305, 230, 165];

/** The n-th colour; after twelve, hues come again a little darker and lighter. */
export function colorAt(n: number): string {
  const hue = HUES[n % HUES.length] ?? 0;
  const round = Math.floor(n / HUES.length) % 3;
  return `hsl(${hue} ${[72, 55, 85][round]}% ${[48, 38, 62][round]}%)`;
}

/** Whether black or white is legible on a colour given as #rrggbb or hsl(). */
export function inkOn(color: string): "black" | "white" {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (hex !== null) {
    const [r, g, b] = hex.slice(1).map((part) => Number.parseInt(part, 16)) as [number, number, number];
    return r * 0.299 + g * 0.587 + b * 0.114 > 150 ? "black" : "white";
  }
  const light = /([\d.]+)%\)$/.exec(color);
  return Number(light?.[1] ?? 0) > 55 ? "black" : "white";
}
