CREATE TABLE identity.second_factor (
    person_id UUID NOT NULL,
    secret_sealed BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    last_step BIGINT NOT NULL,
    CONSTRAINT pk_second_factor PRIMARY KEY (person_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON identity.second_factor TO weili_app;

CREATE TABLE identity.recovery_code (
    person_id UUID NOT NULL,
    code_hash BYTEA NOT NULL,
    CONSTRAINT pk_recovery_code PRIMARY KEY (person_id, code_hash)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON identity.recovery_code TO weili_app;

-- Who leaves has no password any more.
GRANT DELETE ON identity.password TO weili_app;
