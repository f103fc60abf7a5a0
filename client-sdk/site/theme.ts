// Loaded before anything is painted, so that a chosen theme does not blink. Without a choice the system decides.
try {
  const chosen = localStorage.getItem("belfry.theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch {
  // Nothing may be read: then nothing was chosen.
}
