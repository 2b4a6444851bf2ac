-- What wrk sends, told by environment variables: BENCH_PATHS (file, a path a line, taken in turn), BENCH_BODY (file; when set, requests
-- are POSTs of it with @ID@ replaced by a name never used before), BENCH_RUN (prefix of those names), BENCH_AUTH (Authorization header).
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local paths, sent = {}, 0
local before, after
local headers = {}

function init(args)
  for line in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = line end
  if os.getenv("BENCH_AUTH") then headers["Authorization"] = os.getenv("BENCH_AUTH") end
  local body = os.getenv("BENCH_BODY")
  if body then
    local file = io.open(body, "rb")
    local text = file:read("*a")
    file:close()
    before, after = text:match("^(.*)@ID@(.*)$")
    headers["Content-Type"] = "application/json"
  end
  sent = number * 7919
  prefix = os.getenv("BENCH_RUN") .. "-" .. number .. "-"
end

function request()
  sent = sent + 1
  local path = paths[sent % #paths + 1]
  if before then
    return wrk.format("POST", path, headers, before .. prefix .. sent .. after)
  end
  return wrk.format("GET", path, headers)
end

function done(summary, latency, requests)
  io.write(string.format(
    "\nRESULT {\"requests\":%d,\"seconds\":%.6f,\"bytes\":%d,\"refused\":%d,\"broken\":%d,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
    summary.requests, summary.duration / 1e6, summary.bytes, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
