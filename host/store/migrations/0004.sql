-- Where a provider's key from a variable or a command may go; '' for those written before, which is found out at first use.
ALTER TABLE providers ADD COLUMN key_origin TEXT NOT NULL DEFAULT '';
