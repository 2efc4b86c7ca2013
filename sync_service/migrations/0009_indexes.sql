-- What a large organisation needs to be asked quickly: measured with ten thousand people, ninety days of their quarter
-- hours and a year's access log (`framekeep-sync bench --queries`). All other questions go by keys that are there.

-- Everybody sees in their own log who listed everybody's laptops: few entries among very many.
create index access_log_devices on access_log (org, at) where action = 'devices';
