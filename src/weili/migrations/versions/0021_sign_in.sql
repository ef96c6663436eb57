-- How people sign in. Times are the wall clock's, in a sandbox too.

CREATE SCHEMA identity;

GRANT USAGE ON SCHEMA identity TO weili_app;

CREATE TABLE identity.password (
    person_id UUID NOT NULL,
    hash TEXT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_password PRIMARY KEY (person_id)
);

GRANT SELECT, INSERT, UPDATE ON identity.password TO weili_app;

CREATE TABLE identity.session (
    id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    person_id UUID NOT NULL,
    party_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_session PRIMARY KEY (id),
    CONSTRAINT uq_session_token_hash UNIQUE (token_hash)
);

CREATE INDEX ix_session_person_id ON identity.session (person_id);

CREATE INDEX ix_session_seen_at ON identity.session (seen_at);

CREATE INDEX ix_session_expires_at ON identity.session (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON identity.session TO weili_app;

CREATE TABLE identity.attempt (
    mark BYTEA NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    count INTEGER NOT NULL,
    CONSTRAINT pk_attempt PRIMARY KEY (mark),
    CONSTRAINT ck_attempt_count CHECK (count >= 0)
);

CREATE INDEX ix_attempt_began_at ON identity.attempt (began_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON identity.attempt TO weili_app;

CREATE TABLE identity.link (
    person_id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_link PRIMARY KEY (person_id),
    CONSTRAINT uq_link_token_hash UNIQUE (token_hash)
);

CREATE INDEX ix_link_expires_at ON identity.link (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON identity.link TO weili_app;

-- Who signs in names an address, and no party. A party has dozens of people, so nobody waits long.
CREATE INDEX ix_person_email_index ON parties.person (email_index);
