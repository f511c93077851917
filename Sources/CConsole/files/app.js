// The shell: who is signed in, which page is shown, in which language.

import { can, forgetModels, loadSession, logIn, logOut, session } from "./api.js";
import { alert, button, field, h, replace, select } from "./dom.js";
import { language, languages, setLanguage, t } from "./strings.js";

/// Each page is a module whose `mount(root)` fills it and may return what cleans up.
const pages = [
  { id: "chat", title: "Chat", right: "infer", load: () => import("./chat.js") },
  { id: "data", title: "Data", right: "train", load: () => import("./data.js") },
  { id: "tune", title: "Tune", right: "train", load: () => import("./tune.js") },
  { id: "experts", title: "Experts", right: "train", load: () => import("./experts.js") },
  { id: "evaluate", title: "Evaluate", right: "train", load: () => import("./evaluate.js") },
  { id: "server", title: "Server", right: "", load: () => import("./server.js") },
];

const top = document.getElementById("top");
const main = document.getElementById("main");
let leave = () => {};
let turn = 0;

const isIn = () => !session.keys_required || session.signed_in;
const current = () => pages.find((page) => `#/${page.id}` === location.hash) ?? pages[0];

function header() {
  const page = current();
  replace(top,
    h("a", { class: "brand", href: "#/chat" }, h("img", { src: "/console/icon.svg", alt: "", width: 24, height: 24 }), "facet"),
    isIn() && h("nav", { "aria-label": t("Pages") }, pages.map((each) => h("a", {
      href: `#/${each.id}`, "aria-current": each === page ? "page" : undefined,
    }, t(each.title)))),
    h("div", { class: "corner" },
      // The name stays as it is: whoever cannot read the language looks for this word.
      select(languages, language(), changeLanguage, { "aria-label": "Language" }),
      session.signed_in && button(t("Log out"), leaveSession, { class: "plain" })));
  document.title = `${isIn() ? t(page.title) : t("Log in")} · facet`;
}

function changeLanguage(name) {
  setLanguage(name);
  show();
  top.querySelector("select").focus();
}

async function leaveSession() {
  sessionStorage.clear();
  await logOut().catch(() => {});
  forgetModels();
  show();
}

function logInForm() {
  const key = h("input", { type: "password", autocomplete: "current-password", required: true, spellcheck: "false" });
  const problem = h("div", {});
  const submit = async (event) => {
    event.preventDefault();
    replace(problem);
    try {
      await logIn(key.value.trim());
      show(true);
    } catch (error) {
      replace(problem, alert(error));
      key.focus();
    }
  };
  replace(main, h("form", { class: "page narrow card", on: { submit } },
    h("h1", {}, t("Log in")),
    h("p", {}, t("This server asks for a key. Its administrator makes one with 'facet keys create'.")),
    field(t("API key"), key), problem,
    h("button", { class: "main" }, t("Log in"))));
  key.focus();
}

/// Shows the page of the address.
async function show(movesFocus = false) {
  const mine = ++turn;
  leave();
  leave = () => {};
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  header();
  if (!isIn()) return logInForm();
  const page = current();
  if (page.right && !can(page.right)) {
    return replace(main, h("div", { class: "page" }, h("h1", {}, t(page.title)),
      alert(t("Your key has no right to see this page; it needs '{right}'.", { right: page.right }))));
  }
  const root = h("div", { class: `page ${page.id}` });
  replace(main, root);
  try {
    const { mount } = await page.load();
    if (mine !== turn) return;
    leave = mount(root) ?? leave;
  } catch (error) {
    replace(root, h("h1", {}, t(page.title)), alert(error));
  }
  if (movesFocus) main.focus();
}

addEventListener("hashchange", () => location.hash.startsWith("#/") && show(true));
addEventListener("facet-signed-out", async () => {
  await loadSession().catch(() => {});
  show();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

try {
  await loadSession();
  show();
} catch (error) {
  replace(main, h("div", { class: "page" }, alert(error), button(t("Try again"), () => location.reload())));
}
