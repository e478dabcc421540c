// The main job, through types generated from the document: `node main.js ADDRESS PASSWORD`.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

type Problem = components["schemas"]["Problem"];
const VILLAGE = "360423208202";
const LEDGER = `村,户主姓名,门牌号码,改厕方式,改厕年份
安乐村,演示脚本甲,T1号,三格,2024
安乐村,演示脚本乙,T2号,双瓮,2025
安乐村,演示脚本丙,T3号,三格,1800
`;
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==",
  "base64",
);

const [address, password] = process.argv.slice(2) as [string, string];

/** What was answered; a refusal is told as a person would want to read it. */
function got<Body>(answer: { data?: Body; error?: unknown; response: Response }): Body {
  if (answer.data === undefined) {
    const problem = answer.error as Problem;
    throw new Error(`${answer.response.url}: ${problem.code} ${problem.detail} ${problem.remedy ?? ""}`);
  }
  return answer.data;
}

async function signedIn(username: string) {
  const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: address });
  const token = got(
    await client.POST("/api/v1/auth/token", {
      body: { grant_type: "password", username, password },
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
    }),
  );
  client.use({
    onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${token.access_token}`);
      return request;
    },
  });
  console.log(`signed in: ${username}`);
  return client;
}

type Client = Awaited<ReturnType<typeof signedIn>>;

function form(members: Record<string, unknown>): FormData {
  const made = new FormData();
  for (const [name, member] of Object.entries(members)) {
    if (member instanceof Blob) made.append(name, member, "upload");
    else made.append(name, String(member));
  }
  return made;
}

async function upload(township: Client) {
  let job = got(
    await township.POST("/api/v1/imports", {
      body: { file: new Blob([LEDGER]), dry_run: false, on_conflict: "fail" },
      bodySerializer: (body) => form(body as Record<string, unknown>),
    }),
  );
  while (job.state === "queued" || job.state === "running") {
    await new Promise((done) => setTimeout(done, 200));
    job = got(await township.GET("/api/v1/imports/{job_id}", { params: { path: { job_id: job.id } } }));
  }
  const { created, rejected } = job.counts;
  console.log(`uploaded: ${job.state}, ${created} created, ${rejected} rejected`);
  const report = got(
    await township.GET("/api/v1/imports/{job_id}/rows", {
      params: { path: { job_id: job.id }, query: { outcome: "rejected" } },
    }),
  );
  for (const row of report.items) console.log(`rejected: row ${row.row}, ${row.errors[0]?.reason}`);
}

async function walk(client: Client) {
  const seen = new Set<string>();
  let pages = 0;
  let cursor: string | null = null;
  do {
    const page: components["schemas"]["Page_ProblemRow_"] = got(
      await client.GET("/api/v1/problems", { params: { query: { limit: 3, ...(cursor ? { cursor } : {}) } } }),
    );
    for (const problem of page.items) seen.add(problem.id);
    pages += 1;
    cursor = page.next_cursor;
  } while (cursor);
  console.log(`ledger: ${seen.size > 3 && pages === Math.ceil(seen.size / 3) ? "walked, nothing twice" : "wrong"}`);
}

async function survey(surveyor: Client) {
  const id = crypto.randomUUID();
  const body: components["schemas"]["HouseholdCreate"] = {
    id,
    division_code: VILLAGE,
    person: { name: "演示脚本丁", address: "T4号" },
    toilets: [{ mode: "three_compartment", built_year: 2024 }],
  };
  const household = got(await surveyor.POST("/api/v1/households", { body }));
  const again = await surveyor.POST("/api/v1/households", { body });
  const same = again.response.status === 200 && again.data?.id === id;
  console.log(`household: ${household.id === id && same ? "under an id of our own, once" : "wrong"}`);
  const signature = got(
    await surveyor.POST("/api/v1/attachments", {
      body: { file: new Blob([PNG]), kind: "signature", division_code: VILLAGE },
      bodySerializer: (members) => form(members as Record<string, unknown>),
    }),
  );
  const visit = got(
    await surveyor.POST("/api/v1/visits", {
      body: {
        household_id: id,
        toilet_id: household.toilets[0]?.id ?? null,
        method: "ask_and_look",
        presence: "at_home",
        usability: "not_usable",
        visited_at: new Date().toISOString(),
        surveyor_signature_ids: [signature.id],
        findings: [{ problem_type: "tank_cracked", note: "第二池开裂" }],
      },
    }),
  );
  const submitted = got(
    await surveyor.POST("/api/v1/visits/{visit_id}/submit", { params: { path: { visit_id: visit.id } } }),
  );
  console.log(`visit: ${submitted.state}, ${submitted.findings[0]?.problem_type}`);
  return id;
}

async function refused(surveyor: Client) {
  const nowhere = { params: { path: { household_id: crypto.randomUUID() } } };
  const { error, response } = await surveyor.GET("/api/v1/households/{household_id}", nowhere);
  console.log(`refused: ${response.status} ${error?.code}, ${error?.remedy ? "with a remedy" : "bare"}`);
}

async function changes(client: Client, household: string) {
  const operations: string[] = [];
  let page: components["schemas"]["ChangePage"] | undefined;
  do {
    const since = page ? { since: page.next_cursor } : {};
    page = got(await client.GET("/api/v1/changes", { params: { query: { types: "household", limit: 1000, ...since } } }));
    for (const one of page.items) if (one.id === household) operations.push(one.op);
  } while (page.more);
  console.log(`changes: ${operations.join(", ")}`);
}

const township = await signedIn("township_manager");
await upload(township);
const surveyor = await signedIn("village_surveyor");
const household = await survey(surveyor);
await walk(township);
await changes(township, household);
await refused(surveyor);
