-- What people are told, and who asks for a new password.

CREATE SCHEMA notices;

GRANT USAGE ON SCHEMA notices TO weili_app;

CREATE TABLE notices.notice (
    id UUID NOT NULL,
    person_id UUID NOT NULL,
    party_id UUID NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    way TEXT NOT NULL,
    language TEXT NOT NULL,
    values_sealed BYTEA,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_notice PRIMARY KEY (id),
    CONSTRAINT uq_notice_once UNIQUE (person_id, kind, subject, way),
    CONSTRAINT ck_notice_way CHECK (way IN ('mail', 'app')),
    CONSTRAINT ck_notice_state CHECK (state IN ('due', 'given_up', 'late', 'refused', 'sent', 'shown')),
    CONSTRAINT ck_notice_way_state CHECK ((way = 'app') = (state = 'shown')),
    CONSTRAINT ck_notice_tries CHECK (tries >= 0)
);

CREATE INDEX ix_notice_created_at ON notices.notice (created_at);

CREATE INDEX ix_notice_due ON notices.notice (due_at) WHERE state = 'due';

CREATE INDEX ix_notice_shown ON notices.notice (person_id, id) WHERE way = 'app';

GRANT SELECT, INSERT, UPDATE, DELETE ON notices.notice TO weili_app;

CREATE TABLE notices.choice (
    person_id UUID NOT NULL,
    language TEXT NOT NULL,
    off TEXT[] NOT NULL,
    CONSTRAINT pk_choice PRIMARY KEY (person_id)
);

GRANT SELECT, INSERT, UPDATE ON notices.choice TO weili_app;

CREATE TABLE notices.followed (
    id INTEGER NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_followed PRIMARY KEY (id)
);

GRANT SELECT, INSERT, UPDATE ON notices.followed TO weili_app;

-- What has happened by now is old news.
INSERT INTO notices.followed (id, position) SELECT 1, coalesce(max(position), 0) FROM kit.event;

CREATE TABLE identity.reset_ask (
    id UUID NOT NULL,
    email_sealed BYTEA NOT NULL,
    language TEXT NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_reset_ask PRIMARY KEY (id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON identity.reset_ask TO weili_app;
