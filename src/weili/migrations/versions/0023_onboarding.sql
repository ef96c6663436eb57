-- How suppliers and partners are taken in: applications, documents, terms.

CREATE SCHEMA onboarding;

GRANT USAGE ON SCHEMA onboarding TO weili_app;

CREATE TABLE onboarding.application (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    maker_id UUID NOT NULL,
    name TEXT NOT NULL,
    legal_name TEXT NOT NULL,
    uscc TEXT NOT NULL,
    about TEXT NOT NULL,
    contact_sealed BYTEA NOT NULL,
    remark TEXT NOT NULL,
    terms_id UUID,
    terms_accepted_at TIMESTAMP WITH TIME ZONE,
    party_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    submitted_at TIMESTAMP WITH TIME ZONE,
    token_hash BYTEA NOT NULL,
    link_expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_application PRIMARY KEY (id),
    CONSTRAINT ck_application_kind CHECK (kind IN ('partner', 'supplier')),
    CONSTRAINT ck_application_state CHECK (state IN ('draft', 'submitted', 'sent_back', 'approved', 'refused')),
    CONSTRAINT ck_application_party CHECK ((state = 'approved') = (party_id IS NOT NULL)),
    CONSTRAINT uq_application_party_id UNIQUE (party_id),
    CONSTRAINT fk_application_party_id FOREIGN KEY(party_id) REFERENCES parties.party (id),
    CONSTRAINT uq_application_token_hash UNIQUE (token_hash)
);

CREATE INDEX ix_application_state_id ON onboarding.application (state, id);

CREATE INDEX ix_application_uscc ON onboarding.application (uscc);

GRANT SELECT, INSERT, UPDATE ON onboarding.application TO weili_app;

CREATE TABLE onboarding.step (
    application_id UUID NOT NULL,
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    state TEXT NOT NULL,
    remark TEXT NOT NULL,
    CONSTRAINT pk_step PRIMARY KEY (application_id, id),
    CONSTRAINT ck_step_state CHECK (state IN ('draft', 'submitted', 'sent_back', 'approved', 'refused'))
);

GRANT SELECT, INSERT ON onboarding.step TO weili_app;

CREATE TABLE onboarding.document (
    id UUID NOT NULL,
    application_id UUID,
    party_id UUID,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    expires_on DATE,
    address TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_document PRIMARY KEY (id),
    CONSTRAINT ck_document_kind CHECK (kind IN ('licence', 'food_permit', 'brand_authorisation', 'trademark', 'inspection_report', 'contract', 'other')),
    CONSTRAINT ck_document_owner CHECK (application_id IS NOT NULL OR party_id IS NOT NULL),
    CONSTRAINT fk_document_application_id FOREIGN KEY(application_id) REFERENCES onboarding.application (id),
    CONSTRAINT fk_document_party_id FOREIGN KEY(party_id) REFERENCES parties.party (id)
);

CREATE INDEX ix_document_application_id ON onboarding.document (application_id);

CREATE INDEX ix_document_due_at ON onboarding.document (due_at) WHERE due_at IS NOT NULL AND ended_at IS NULL;

CREATE INDEX ix_document_party_id ON onboarding.document (party_id);

GRANT SELECT, INSERT, UPDATE ON onboarding.document TO weili_app;

CREATE TABLE onboarding.terms (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    title_zh TEXT NOT NULL,
    title_en TEXT NOT NULL,
    text_zh TEXT NOT NULL,
    text_en TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    is_binding BOOLEAN NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_terms PRIMARY KEY (id),
    CONSTRAINT uq_terms_kind_version UNIQUE (kind, version),
    CONSTRAINT ck_terms_kind CHECK (kind IN ('partner', 'supplier'))
);

GRANT SELECT, INSERT ON onboarding.terms TO weili_app;

CREATE TABLE onboarding.acceptance (
    party_id UUID NOT NULL,
    terms_id UUID NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    CONSTRAINT pk_acceptance PRIMARY KEY (party_id, terms_id),
    CONSTRAINT fk_acceptance_party_id FOREIGN KEY(party_id) REFERENCES parties.party (id),
    CONSTRAINT fk_acceptance_terms_id FOREIGN KEY(terms_id) REFERENCES onboarding.terms (id)
);

GRANT SELECT, INSERT ON onboarding.acceptance TO weili_app;
