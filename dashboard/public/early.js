// Runs before anything is drawn, so that nobody sees a flash of the wrong colours or the wrong direction.
(() => {
  const root = document.documentElement;
  const chosen = localStorage.getItem("trunkline.scheme");
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
  const language = localStorage.getItem("trunkline.language") ?? navigator.language.slice(0, 2);
  if (language === "he") {
    root.lang = "he";
    root.dir = "rtl";
  }
})();
