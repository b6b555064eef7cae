// Labels beside a vertical axis, away from the chart on whichever side the axis stands.

const AWAY_PX = 10;

export const tickOf = (backwards: boolean) => ({
  transform: `translate(${backwards ? AWAY_PX : -AWAY_PX}, 0)`,
  fontSize: 12,
  fill: "currentColor",
});
