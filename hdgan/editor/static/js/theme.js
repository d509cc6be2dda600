/** Dark and light: by the system, until a person chooses. */

const KEY = "hdgan-editor-theme";

/** Applies the theme that was chosen last. */
export function restoreTheme() {
  apply(localStorage.getItem(KEY));
}

/** Changes between dark and light; returns the new one. */
export function toggleTheme() {
  const theme = currentTheme() === "dark" ? "light" : "dark";
  localStorage.setItem(KEY, theme);
  apply(theme);
  return theme;
}

function currentTheme() {
  const { theme } = document.documentElement.dataset;
  if (theme) return theme;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function apply(theme) {
  if (theme === "dark" || theme === "light") {
    document.documentElement.dataset.theme = theme;
  }
}
