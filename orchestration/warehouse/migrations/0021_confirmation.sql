-- What a rule about a whole file has refused and a person has found right: the gate then takes these bytes in.

create table landing.confirmation (
    sha256 text not null,
    rule_code text not null,
    delivery_id bigint not null references landing.delivery,
    confirmed_by text not null,
    confirmed_at timestamptz not null default clock_timestamp(),
    reason text not null check (reason <> ''),
    primary key (sha256, rule_code)
);
comment on table landing.confirmation is 'Files that a rule refused and that a person has confirmed to be right. The rule lets the same bytes pass from then on.';
comment on column landing.confirmation.sha256 is 'The bytes that were confirmed.';
comment on column landing.confirmation.delivery_id is 'The refused delivery that the person looked at.';
comment on column landing.confirmation.confirmed_by is 'Who confirmed it: the account of the machine, or the name given.';

grant select, insert on landing.confirmation to iass_loader;
grant select on landing.confirmation to iass_transformer;
