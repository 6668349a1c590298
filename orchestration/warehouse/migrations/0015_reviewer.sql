-- The reviewer sees pairs that wait, with what a person needs to decide, and says yes or no. Nothing else of the vault.
grant usage on schema vault to iass_reviewer;

-- A view has the rights of its owner: the reviewer reads these columns of these pairs, not the tables behind them.
create view vault.review_case as
select
    waiting.case_id,
    waiting.reason,
    round(waiting.probability::numeric, 3) as probability,
    one.flow_code,
    one.sender_code,
    one.family_name,
    one.given_name,
    one.sex_code,
    one.birth_date,
    one.birth_year,
    one.birth_place_code,
    one.identifier,
    coalesce(registered.person_ref is not null, false) as other_is_registered,
    other.flow_code as other_flow_code,
    other.sender_code as other_sender_code,
    coalesce(registered.family_name, other.family_name) as other_family_name,
    coalesce(registered.given_name, other.given_name) as other_given_name,
    coalesce(registered.sex_code, other.sex_code) as other_sex_code,
    coalesce(registered.birth_date, other.birth_date) as other_birth_date,
    other.birth_year as other_birth_year,
    coalesce(registered.birth_place_code, other.birth_place_code) as other_birth_place_code,
    coalesce(registered.identifier, other.identifier) as other_identifier
from vault.linkage_case as waiting
inner join vault.presented_person as one on one.person_ref = waiting.person_ref
left join vault.linkage_registry as registered on registered.person_ref = waiting.other_ref
left join vault.presented_person as other on other.person_ref = waiting.other_ref;
comment on view vault.review_case is 'Pairs that wait for a decision, side by side: as presented, and the other record or person of the registry.';
grant select on vault.review_case to iass_reviewer, iass_identity;

-- A decision is about a case that waits: what is not listed cannot be decided, and the pair is never named by its tokens.
create function vault.decide(case_id bigint, is_same boolean, note text default null) returns boolean
language sql security definer set search_path = '' as $$
    insert into vault.linkage_review (person_ref, other_ref, is_same, note, decided_by)
    select waiting.person_ref, waiting.other_ref, $2, $3, session_user
    from vault.linkage_case as waiting
    where waiting.case_id = $1 and $2 is not null
    returning true
$$;
revoke all on function vault.decide from public;
grant execute on function vault.decide to iass_reviewer;
