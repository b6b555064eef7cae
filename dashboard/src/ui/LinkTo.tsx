// Links within the dashboard. `<Anchor component={LinkTo} to="/calls">`, or as a button: `<ButtonLink to=...>`.

import { Anchor, Button, type AnchorProps, type ButtonProps } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, ReactNode, Ref } from "react";

export interface LinkToProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  /** A path of the dashboard, with its parameters in it: `/calls/${id}`. */
  to: string;
  search?: Record<string, string>;
  ref?: Ref<HTMLAnchorElement>;
}

/** A bare link of the router; give it to Mantine's parts as their `component`. */
export function LinkTo({ to, search, ref, ...rest }: LinkToProps) {
  // Which of two links, one's address the beginning of the other's, leads to where one is: the navigation says so.
  return <Link to={to} search={search ?? {}} ref={ref} activeOptions={{ exact: true }} {...rest} />;
}

export function TextLink({ to, search, children, ...rest }: AnchorProps & LinkToProps) {
  return (
    <Anchor component={LinkTo} to={to} search={search} {...rest}>
      {children}
    </Anchor>
  );
}

export function ButtonLink({
  to,
  search,
  children,
  ...rest
}: ButtonProps & { to: string; search?: Record<string, string>; children: ReactNode; "aria-label"?: string }) {
  return (
    <Button component={LinkTo} to={to} search={search} {...rest}>
      {children}
    </Button>
  );
}
