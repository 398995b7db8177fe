-- What metrics count at every scrape is read from these, rather than from the tables.
CREATE INDEX publish_steps_statistics ON publish_steps (name, state);
CREATE INDEX versions_publishing ON versions (id) WHERE state = 'publishing';
