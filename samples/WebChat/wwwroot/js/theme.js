// Runs before the first paint, so that the page never flashes in the other theme.
(() => {
  const choice = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
  if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
})();
