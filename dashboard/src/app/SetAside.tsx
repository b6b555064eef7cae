// While somebody whose session has ended signs in again, the page that they were on waits unseen.

import { useLayoutEffect } from "react";

let waits = false;

// Dialogs close at Escape wherever it is pressed, and keys of the page open others. Said before any dialog listens.
addEventListener(
  "keydown",
  (event) => {
    if (waits && (event.key === "Escape" || event.key === "?" || event.ctrlKey || event.metaKey)) event.stopImmediatePropagation();
  },
  { capture: true },
);

/** Keep dialogs out of sight and reach, and give title and focus back in the end. Stands before the sign-in form. */
export function SetAside() {
  useLayoutEffect(() => {
    const { title, activeElement: focused } = document;
    const asides = [...document.querySelectorAll<HTMLElement>("[data-portal] > *")];
    for (const aside of asides) aside.dataset.aside = "";
    waits = true;
    return () => {
      for (const aside of asides) delete aside.dataset.aside;
      waits = false;
      document.title = title;
      setTimeout(() => focused instanceof HTMLElement && focused.isConnected && focused.focus());
    };
  }, []);
  return null;
}
