// Charts of figures over time: stacked columns, or one line over its area. Drawn with the page's own means, since a
// library for charts weighs as much as everything else of the first page together.

import { Group, Paper, Text } from "@mantine/core";
import { useState, type CSSProperties, type KeyboardEvent } from "react";
import { directionOf, useLanguage } from "@/lib/i18n";
import classes from "./Chart.module.css";

export interface Series {
  name: string;
  label: string;
  /** A colour of the theme: `trunk.6`. */
  color: string;
}

export interface Point {
  /** What tells it from the others: clocks go back, and an hour comes twice. */
  key: string;
  /** What stands below it: an hour, a day. */
  label: string;
  /** By the series' names; null where nothing is known. */
  values: Record<string, number | null>;
}

export interface ChartProps {
  /** The whole chart in one sentence, for those who do not see it. */
  said: string;
  kind: "columns" | "area";
  series: Series[];
  points: Point[];
  height: number;
  /** The highest that it reaches at the least: 1 for shares. */
  most?: number;
  format: (value: number) => string;
}

/** Steps at which people count: the smallest of 1, 2, 5, 10, 20, 50 ... that reaches the highest value in four. */
export function stepFor(highest: number, whole: boolean): number {
  const rough = highest / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough - 1e-9) ?? power;
  return whole ? Math.max(1, Math.ceil(step)) : step;
}

const cssColor = (token: string) => `var(--mantine-color-${token.replace(".", "-")})`;
const sumOf = (point: Point) => Object.values(point.values).reduce<number>((sum, value) => sum + (value ?? 0), 0);

export function Chart({ said, kind, series, points, height, most = 0, format }: ChartProps) {
  const [at, setAt] = useState<number | null>(null);
  const backwards = directionOf(useLanguage()) === "rtl";
  const highest = Math.max(most, ...points.map(sumOf));
  const step = stepFor(highest, most !== 1);
  const top = Math.max(step, Math.ceil(highest / step - 1e-9) * step);
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, number) => number * step);
  const every = Math.max(1, Math.ceil(points.length / 8));
  const shown = at === null ? undefined : points[at];

  const move = (event: KeyboardEvent) => {
    const forwards = backwards ? "ArrowLeft" : "ArrowRight";
    const back = backwards ? "ArrowRight" : "ArrowLeft";
    if (event.key === forwards) setAt(Math.min(points.length - 1, (at ?? -1) + 1));
    else if (event.key === back) setAt(Math.max(0, (at ?? points.length) - 1));
    else if (event.key === "Escape") setAt(null);
    else return;
    event.preventDefault();
  };

  return (
    <figure
      className={classes.chart}
      style={{ "--height": `${height}px` } as CSSProperties}
      role="img"
      aria-label={said}
      tabIndex={0}
      onKeyDown={move}
      onBlur={() => setAt(null)}
      onMouseLeave={() => setAt(null)}
    >
      <div className={classes.body}>
        <div className={classes.ticks}>
          {ticks.map((tick) => (
            <span key={tick} style={{ insetBlockEnd: `${(100 * tick) / top}%` }}>
              {format(tick)}
            </span>
          ))}
        </div>
        <div className={classes.plot}>
          {ticks.map((tick) => (
            <div key={tick} className={classes.line} style={{ insetBlockEnd: `${(100 * tick) / top}%` }} />
          ))}
          {kind === "area" && series[0] && (
            <Area points={points} name={series[0].name} color={series[0].color} top={top} backwards={backwards} />
          )}
          <div className={classes.columns}>
            {points.map((point, index) => (
              <div
                key={point.key}
                className={classes.column}
                data-here={index === at || undefined}
                onMouseEnter={() => setAt(index)}
                onTouchStart={() => setAt(index)}
              >
                {kind === "columns" &&
                  series.map(({ name, color }) => (
                    <div
                      key={name}
                      style={{ blockSize: `${(100 * (point.values[name] ?? 0)) / top}%`, background: cssColor(color) }}
                    />
                  ))}
              </div>
            ))}
          </div>
          {shown && (
            <Paper className={classes.tip} withBorder p={6} shadow="sm" data-late={(at ?? 0) > points.length / 2 || undefined}>
              <Text size="xs" fw={600}>
                {shown.label}
              </Text>
              {series.map(({ name, label }) => {
                const value = shown.values[name];
                return value === null || value === undefined ? null : (
                  <Text key={name} size="xs">
                    {label}: {format(value)}
                  </Text>
                );
              })}
            </Paper>
          )}
        </div>
        <div className={classes.labels}>
          {points.map((point, index) => (
            <span key={point.key} data-second={index % (2 * every) !== 0 || undefined}>
              {index % every === 0 && <bdi>{point.label}</bdi>}
            </span>
          ))}
        </div>
      </div>
      {series.length > 1 && (
        <Group gap="md" justify="center" mt={4}>
          {series.map(({ name, label, color }) => (
            <Group key={name} gap={6}>
              <span className={classes.mark} style={{ background: cssColor(color) }} />
              <Text size="xs">{label}</Text>
            </Group>
          ))}
        </Group>
      )}
    </figure>
  );
}

/** One line and what lies below it; where nothing is known there is a gap. */
function Area({
  points, name, color, top, backwards,
}: { points: Point[]; name: string; color: string; top: number; backwards: boolean }) {
  const width = 100 / points.length;
  const pieces: [number, number][][] = [[]];
  points.forEach((point, index) => {
    const value = point.values[name];
    if (value === null || value === undefined) pieces.push([]);
    else pieces.at(-1)?.push([(index + 0.5) * width, 100 - (100 * value) / top]);
  });
  const drawn = pieces.filter((piece) => piece.length > 0);
  const through = (piece: [number, number][]) => piece.map(([x, y]) => `${x},${y}`).join(" L");
  return (
    <svg
      className={classes.area}
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      style={{ color: cssColor(color), transform: backwards ? "scaleX(-1)" : undefined }}
      aria-hidden
    >
      {drawn.map((piece) => {
        const [start, end] = [piece[0]?.[0] ?? 0, piece.at(-1)?.[0] ?? 0];
        return (
          <g key={start}>
            <path d={`M${start},100 L${through(piece)} L${end},100 Z`} fill="currentColor" opacity={0.2} />
            <path d={`M${through(piece)}`} fill="none" stroke="currentColor" strokeWidth={2} vectorEffect="non-scaling-stroke" />
          </g>
        );
      })}
    </svg>
  );
}
