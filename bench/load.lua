-- For wrk: sends the requests of a file in turn, and ends its report with one line of JSON.
-- In the file each request stands whole, as bytes, behind a line with its length.
local requests, sent = {}, 0

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  for length in function() return file:read('*l') end do
    requests[#requests + 1] = file:read(tonumber(length))
  end
  file:close()
end

function request()
  sent = sent % #requests + 1
  return requests[sent]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"failures":{"status":%d,"timeout":%d,"connect":%d,"read":%d,"write":%d}}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.timeout, errors.connect, errors.read, errors.write
  ))
end
