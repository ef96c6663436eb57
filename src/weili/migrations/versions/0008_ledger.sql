-- Deposits, withdrawals and alarms.

ALTER TABLE ledger.balance
    ADD COLUMN alarm_minor BIGINT,
    ADD CONSTRAINT ck_balance_alarm CHECK (alarm_minor >= 0);

CREATE TABLE ledger.deposit (
    id UUID NOT NULL,
    party_id UUID NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    slip TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    payer_sealed BYTEA NOT NULL,
    payer_masked TEXT NOT NULL,
    paid_on DATE NOT NULL,
    entered_by TEXT NOT NULL,
    decided_by TEXT,
    decision TEXT NOT NULL,
    transfer_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_deposit PRIMARY KEY (id, party_id),
    CONSTRAINT fk_deposit_transfer_id_party_id FOREIGN KEY(transfer_id, party_id) REFERENCES ledger.transfer (id, party_id),
    CONSTRAINT ck_deposit_credited CHECK ((state = 'approved') = (transfer_id IS NOT NULL)),
    CONSTRAINT ck_deposit_channel CHECK (channel IN ('bank_slip', 'sandbox')),
    CONSTRAINT ck_deposit_state CHECK (state IN ('submitted', 'approved', 'refused')),
    CONSTRAINT ck_deposit_amount CHECK (amount_minor BETWEEN 1 AND 10000000000)
);

CREATE INDEX ix_deposit_party_id ON ledger.deposit (party_id, id);

CREATE UNIQUE INDEX ix_deposit_slip ON ledger.deposit (party_id, slip) WHERE state <> 'refused';

CREATE INDEX ix_deposit_submitted ON ledger.deposit (id) WHERE state = 'submitted';

GRANT SELECT, INSERT, UPDATE ON ledger.deposit TO weili_app;

CREATE TABLE ledger.slip (
    slip TEXT NOT NULL,
    party_id UUID NOT NULL,
    deposit_id UUID NOT NULL,
    credited_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_slip PRIMARY KEY (slip)
);

GRANT SELECT, INSERT ON ledger.slip TO weili_app;

CREATE TABLE ledger.withdrawal (
    id UUID NOT NULL,
    party_id UUID NOT NULL,
    state TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    hold_id UUID NOT NULL,
    account_sealed BYTEA NOT NULL,
    account_masked TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    decided_by TEXT,
    decision TEXT NOT NULL,
    bank_reference TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_withdrawal PRIMARY KEY (id, party_id),
    CONSTRAINT fk_withdrawal_hold_id_party_id FOREIGN KEY(hold_id, party_id) REFERENCES ledger.transfer (id, party_id),
    CONSTRAINT ck_withdrawal_state CHECK (state IN ('requested', 'approved', 'cancelled', 'refused', 'paid', 'failed')),
    CONSTRAINT ck_withdrawal_amount CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    CONSTRAINT ck_withdrawal_paid CHECK ((state = 'paid') = (bank_reference IS NOT NULL))
);

CREATE UNIQUE INDEX ix_withdrawal_bank_reference ON ledger.withdrawal (party_id, bank_reference) WHERE bank_reference IS NOT NULL;

CREATE INDEX ix_withdrawal_party_id ON ledger.withdrawal (party_id, id);

CREATE INDEX ix_withdrawal_waiting ON ledger.withdrawal (id) WHERE state IN ('requested', 'approved');

GRANT SELECT, INSERT, UPDATE ON ledger.withdrawal TO weili_app;

CREATE TABLE ledger.correction (
    id UUID NOT NULL,
    party_id UUID NOT NULL,
    state TEXT NOT NULL,
    corrects_id UUID NOT NULL,
    amount_minor BIGINT NOT NULL,
    reason TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    decided_by TEXT,
    decision TEXT NOT NULL,
    transfer_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_correction PRIMARY KEY (id, party_id),
    CONSTRAINT fk_correction_transfer_id_party_id FOREIGN KEY(transfer_id, party_id) REFERENCES ledger.transfer (id, party_id),
    CONSTRAINT ck_correction_posted CHECK ((state = 'posted') = (transfer_id IS NOT NULL)),
    CONSTRAINT fk_correction_corrects_id_party_id FOREIGN KEY(corrects_id, party_id) REFERENCES ledger.transfer (id, party_id),
    CONSTRAINT ck_correction_state CHECK (state IN ('proposed', 'posted', 'refused')),
    CONSTRAINT ck_correction_amount CHECK (amount_minor BETWEEN 1 AND 1000000000000000)
);

CREATE INDEX ix_correction_corrects_id ON ledger.correction (corrects_id, party_id);

CREATE UNIQUE INDEX ix_correction_proposed ON ledger.correction (corrects_id, party_id) WHERE state = 'proposed';

GRANT SELECT, INSERT, UPDATE ON ledger.correction TO weili_app;

CREATE TABLE ledger.paper_history (
    subject_id UUID NOT NULL,
    version INTEGER NOT NULL,
    party_id UUID NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT pk_paper_history PRIMARY KEY (subject_id, version, party_id)
);

GRANT SELECT, INSERT ON ledger.paper_history TO weili_app;

CREATE TABLE ledger.month_close (
    account_id UUID NOT NULL,
    month_on DATE NOT NULL,
    party_id UUID NOT NULL,
    opening_posted_minor BIGINT NOT NULL,
    opening_held_minor BIGINT NOT NULL,
    moved_posted_minor BIGINT NOT NULL,
    moved_held_minor BIGINT NOT NULL,
    closing_posted_minor BIGINT NOT NULL,
    closing_held_minor BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_by TEXT NOT NULL,
    CONSTRAINT pk_month_close PRIMARY KEY (account_id, month_on, party_id),
    CONSTRAINT ck_month_close_ties CHECK (opening_posted_minor + moved_posted_minor = closing_posted_minor AND opening_held_minor + moved_held_minor = closing_held_minor)
);

GRANT SELECT, INSERT ON ledger.month_close TO weili_app;

-- The steps of a day, for the lists that both sides compare.
CREATE INDEX ix_history_at ON dropship.history USING brin (at);
