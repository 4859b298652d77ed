-- Since when it is not known which codes of a list were used: a backup was restored that was made before. None once the owner says
-- that they were not.
ALTER TABLE secrets ADD COLUMN in_doubt_since INTEGER;
