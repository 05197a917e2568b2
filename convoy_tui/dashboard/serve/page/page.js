// Runs before textual.js, which connects when the page is loaded.
"use strict";

const terminal = document.getElementById("terminal");
terminal.dataset.sessionWebsocketUrl = location.origin.replace(/^http/, "ws") + "/ws";

// An address in an ID or an error opens no page: it may be anybody's.
const open = window.open.bind(window);
window.open = (url) => (String(url).startsWith(location.origin + "/download/") ? open(url, "_blank") : null);

document.getElementById("again").addEventListener("click", () => location.reload());
addEventListener("load", () => setTimeout(() => document.querySelector(".xterm-helper-textarea")?.focus()));
