-- Signed documents: which reader published one (manager.id); null where it was done on the service's own machine. The
-- administrators' role publishes; nobody changes or takes back a document.
alter table document add column published_by hex_id;
