-- Rules that let in callers of other issuers. There is no column for roles: a rule grants content-writer and nothing else.

CREATE TABLE provisioning_rules (
    id               TEXT COLLATE "C" PRIMARY KEY,
    display_name     TEXT COLLATE "C" NOT NULL,
    issuer_url       TEXT COLLATE "C" NOT NULL,
    audience         TEXT COLLATE "C" NOT NULL CHECK (audience <> ''),
    forwarded_claims TEXT COLLATE "C" NOT NULL,
    condition        TEXT COLLATE "C" NOT NULL,
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

CREATE FUNCTION imgsrv_provisioning_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE provisioning_generation SET generation = generation + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER provisioning_rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON provisioning_rules
FOR EACH STATEMENT EXECUTE FUNCTION imgsrv_provisioning_changed();

-- Which rule let a principal in, and what its token said the latest time. Outlives the rule until that is reconciled, so
-- rule_id refers to nothing. It records; what a request may do is decided by the rules as they are then.
CREATE TABLE rule_grants (
    principal_id TEXT COLLATE "C" NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    rule_id      TEXT COLLATE "C" NOT NULL,
    audience     TEXT COLLATE "C" NOT NULL,
    claims       TEXT COLLATE "C" NOT NULL,
    granted_us   BIGINT NOT NULL,
    seen_us      BIGINT NOT NULL,
    PRIMARY KEY (principal_id, rule_id)
);
CREATE INDEX rule_grants_rule ON rule_grants (rule_id, principal_id);
