// What the sign-in form leads to beside the door: forgotten passwords and the like. Their routes are `of: "anybody"`.

export const SIGN_IN_LINKS: { to: string; label: string }[] = [];
