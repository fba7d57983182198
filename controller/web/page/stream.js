// The connection to the operator: an event stream that is read by fetch(), which can carry a token, and is begun anew when it ends.

const QUIET = 40e3; // ms without a byte, heartbeats included, after which the connection is dead
const EVENT = 1 << 20; // the longest event, in characters

export class Refused extends Error {
  constructor(status, body) {
    super(body.message || `the operator answers ${status}`);
    Object.assign(this, { status, body });
  }
}

export class Stream {
  // on[event](data); on.state(name, detail): "connecting", "live", "lost" {at, error}, "refused" Refused
  constructor(on) {
    this.on = on;
    this.token = ""; // here and nowhere else: it is gone with the page
    this.failures = 0;
    this.last = 0; // when the last byte came, ms
  }

  async ask(path, signal) {
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    const answer = await fetch(path, { headers, signal, cache: "no-store", credentials: "omit", redirect: "error" });
    if (answer.ok) return answer;
    throw new Refused(answer.status, await words(answer));
  }

  start() {
    this.stop();
    this.abort = new AbortController();
    this.run(this.abort.signal);
  }

  stop() {
    this.abort?.abort();
    clearTimeout(this.timer);
    clearInterval(this.watchdog);
  }

  async run(signal) {
    this.on.state("connecting");
    const since = this.on.since();
    try {
      await this.read(await this.ask(`fleet/stream${since ? `?since=${since}` : ""}`, signal), signal);
      throw new Error("the operator has ended the connection");
    } catch (error) {
      if (!signal.aborted || error.quiet) this.again(error);
    }
  }

  again(error) {
    this.stop();
    if (error.status === 401 || error.status === 403) return this.on.state("refused", error);
    const wait = error.soon ? 200 : Math.min(60e3, 1e3 * 2 ** this.failures++) * (0.75 + Math.random() / 2);
    const ms = Math.min(60e3, Math.max(error.soon ? 0 : 1e3, error.status === 503 ? 1e4 : 0, wait));
    this.timer = setTimeout(() => this.start(), ms);
    this.on.state("lost", { at: Date.now() + ms, error });
  }

  async read(answer, signal) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    this.beat();
    this.watchdog = setInterval(() => {
      if (Date.now() - this.last > QUIET) this.abort.abort(Object.assign(new Error("no sign of life"), { quiet: true }));
    }, 1e3);
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done || signal.aborted) return;
      this.beat();
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) this.take(event);
      if (rest.length > EVENT) throw new Error("an event is too long");
    }
  }

  beat() {
    this.last = Date.now();
  }

  take(text) {
    const event = /^event: ?(\w+)$/m.exec(text)?.[1];
    const data = text.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
    if (!event) return;
    if (event === "hello") this.on.state("live");
    if (event === "synced") this.failures = 0;
    const body = data ? JSON.parse(data) : {};
    this.on[event]?.(body);
    if (event === "anew" || event === "bye") throw Object.assign(new Error(body.reason || "begins anew"), { soon: event === "anew", said: true });
  }
}

// What a refusal says, whether or not it is JSON.
async function words(answer) {
  const text = (await answer.text()).slice(0, 4096);
  try {
    return JSON.parse(text);
  } catch {
    return { message: text };
  }
}
