-- Where a session was begun from. Of those from before this it is not known.
ALTER TABLE sessions ADD COLUMN address TEXT;
