// The public API, and nothing else: whatever the console shows, curl can have too.

import { t } from "./strings.js";

/// What the server refused, or that it could not be reached (status 0).
export class APIError extends Error {
  constructor(status, error) {
    super(error?.message ?? t("The server answered with status {status}.", { status }));
    this.status = status;
    this.code = error?.code;
    this.param = error?.param;
  }
}

/// Who is signed in: `{keys_required, signed_in, tenant, rights, csrf_token, training}`.
export let session = { rights: [] };

export const can = (right) => session.rights.includes(right) || session.rights.includes("admin");

function headers(more = {}) {
  return session.csrf_token ? { "X-CSRF-Token": session.csrf_token, ...more } : more;
}

async function send(method, path, { body, key, signal } = {}) {
  const more = body === undefined ? {} : { "Content-Type": "application/json" };
  if (key) more.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, {
      method, signal, headers: headers(more), body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new APIError(0, { message: t("The server cannot be reached. Is it still running?") });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response) {
  const json = await response.json().catch(() => undefined);
  if (response.status === 401 && session.signed_in) dispatchEvent(new Event("facet-signed-out"));
  return new APIError(response.status, json?.error);
}

export const get = async (path, options) => (await send("GET", path, options)).json();
export const post = async (path, body, options) => (await send("POST", path, { body, ...options })).json();
export const remove = async (path) => (await send("DELETE", path)).json();
export const text = async (path) => (await send("GET", path)).text();
export const blob = async (path) => (await send("GET", path)).blob();

/// All elements of a list of OpenAI's, page by page, up to `most`.
export async function list(path, most = 1000) {
  const all = [];
  for (let after = ""; all.length < most;) {
    const mark = path.includes("?") ? "&" : "?";
    const page = await get(`${path}${mark}limit=100${after && `&after=${after}`}`);
    all.push(...page.data);
    if (!page.has_more || !page.data.length) break;
    after = encodeURIComponent(page.data.at(-1).id);
  }
  return all;
}

/// The events of a streamed answer, as they come.
export async function* stream(path, body, signal) {
  const response = await send("POST", path, { body, signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let chunk;
    try {
      chunk = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new APIError(0, { message: t("The connection was lost in the middle of the answer.") });
    }
    if (chunk.done) return;
    const lines = (rest + chunk.value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
      const event = JSON.parse(line.slice(6));
      if (event.error) throw new APIError(response.status, event.error);
      yield event;
    }
  }
}

/// Uploads a file; `onProgress` gets the share that is sent.
export function upload(file, purpose, onProgress) {
  const form = new FormData();
  form.append("purpose", purpose);
  form.append("file", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/files");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => (request.status < 300
      ? resolve(request.response)
      : reject(new APIError(request.status, request.response?.error)));
    request.onerror = () => reject(new APIError(0, { message: t("The server cannot be reached. Is it still running?") }));
    request.send(form);
  });
}

/// Asks who is signed in.
export async function loadSession() {
  session = await get("/v1/session");
  return session;
}

export async function logIn(key) {
  session = await post("/v1/session", undefined, { key });
  return session;
}

export async function logOut() {
  await remove("/v1/session");
  return loadSession();
}

let models;

/// The models, asked for once; `again` asks anew.
export async function loadModels(again = false) {
  if (!models || again) models = (await get("/v1/models")).data;
  return models;
}

export const forgetModels = () => (models = undefined);
