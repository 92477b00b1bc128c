-- For wrk: sends the requests of a file in turn, and ends its report with one line of JSON.
-- In the file each request stands whole, as bytes, behind a line with its length.
-- Two more arguments may follow the file: milliseconds that a connection rests before each request, 0 for none;
-- and the name of the last field of the requests' forms, where each takes its value from an earlier answer.
local requests, sent, threads = {}, 0, {}
lost = 0 -- answers without a value for the next request, and requests without an answer before them

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  for length in function() return file:read('*l') end do
    requests[#requests + 1] = file:read(tonumber(length))
  end
  file:close()
  local pause = tonumber(args[2] or 0)
  if pause > 0 then delay = function() return pause end end
  if args[3] then chain(args[3]) end
end

function request()
  sent = sent % #requests + 1
  return requests[sent]
end

-- All connections share this state. wrk takes a request from it when a connection is free, which is after `response`
-- had that connection's answer: there are as many requests here as connections without one, and none is sent twice.
function chain(field)
  local first, asked = requests[1], false
  local head, form = first:match('^(.-\r\n)Content%-Length: %d+\r\n\r\n(.*=)')

  function request()
    if not asked then
      asked = true -- wrk only looks at what it gets
      return first
    end
    return table.remove(requests, 1) or lose()
  end

  function response(status, _, body)
    local value = status == 200 and body:match('"' .. field .. '":"([^"]*)"')
    if value then
      requests[#requests + 1] = head .. 'Content-Length: ' .. #form + #value .. '\r\n\r\n' .. form .. value
    else
      lose()
    end
  end

  function lose()
    lost = lost + 1
    wrk.thread:stop()
    return first
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"failures":{"status":%d,"timeout":%d,"connect":%d,"read":%d,"write":%d,"lost":%d}}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.timeout, errors.connect, errors.read, errors.write, threads[1]:get('lost')
  ))
end
