-- Rules that let in callers of other issuers. There is no column for roles: a rule grants content-writer and nothing else.

CREATE TABLE provisioning_rules (
    id               TEXT PRIMARY KEY,
    display_name     TEXT NOT NULL,
    issuer_url       TEXT NOT NULL,
    audience         TEXT NOT NULL CHECK (audience <> ''),
    forwarded_claims TEXT NOT NULL,
    condition        TEXT NOT NULL,
    enabled          INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_us       BIGINT NOT NULL,
    updated_us       BIGINT NOT NULL
);

-- Goes up with every change of a rule, by whom ever: every node looks at it before it decides who is let in.
CREATE TABLE provisioning_generation (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation BIGINT NOT NULL
);
INSERT INTO provisioning_generation (id, generation) VALUES (1, 1);

CREATE TRIGGER provisioning_rules_inserted AFTER INSERT ON provisioning_rules
BEGIN UPDATE provisioning_generation SET generation = generation + 1; END;

CREATE TRIGGER provisioning_rules_updated AFTER UPDATE ON provisioning_rules
BEGIN UPDATE provisioning_generation SET generation = generation + 1; END;

CREATE TRIGGER provisioning_rules_deleted AFTER DELETE ON provisioning_rules
BEGIN UPDATE provisioning_generation SET generation = generation + 1; END;

-- Which rule let a principal in, and what its token said the latest time. Outlives the rule until that is reconciled, so
-- rule_id refers to nothing. It records; what a request may do is decided by the rules as they are then.
CREATE TABLE rule_grants (
    principal_id TEXT NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    rule_id      TEXT NOT NULL,
    audience     TEXT NOT NULL,
    claims       TEXT NOT NULL,
    granted_us   BIGINT NOT NULL,
    seen_us      BIGINT NOT NULL,
    PRIMARY KEY (principal_id, rule_id)
);
CREATE INDEX rule_grants_rule ON rule_grants (rule_id, principal_id);
