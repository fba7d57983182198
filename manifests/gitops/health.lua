-- What Argo CD shows of a GitLabRunner. README.md says how it is installed.
local function condition(kind)
  for _, c in ipairs((obj.status or {}).conditions or {}) do
    if c.type == kind then
      return c
    end
  end
  return {}
end

local ready = condition("Ready")
local message = ready.message or "the operator has not seen the object yet"

if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "being deleted: " .. message}
end
-- What is said below is about the spec of now, or nothing yet.
if (obj.status or {}).observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "the operator has not seen the latest edit yet"}
end
if obj.spec.suspend then
  return {status = "Suspended", message = message}
end
-- A person has to act.
if condition("Stalled").status == "True" then
  return {status = "Degraded", message = message}
end
if ready.status == "True" then
  return {status = "Healthy", message = message}
end
return {status = "Progressing", message = message}
