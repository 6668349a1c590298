{{ config(
    materialized='table',
    indexes=[{'columns': ['episode_key'], 'unique': true}]
) }}
-- One row per live episode of any service that this build writes again, with the keys that all its facts share.
-- What a district sends is its own; what an AUSL sends stands in the district where the person lives on the first day, or in none.
with named as (
    select
        episode_key, touched_from, 'FAR' as service_family_code, sender_code, admission_id as episode_id, person_ref,
        identifier_type_code, sex_code, birth_year, residence_comune_code, 'FAR-' || service_type_code as service_code,
        applicant_type_code, coalesce(origin_type_code in ('6', '7'), false) as has_administrative_start, false as is_closed_by_office,
        discharge_reason_code as end_reason_code, admission_on as begun_on, cast(null as date) as charged_on,
        admission_on as started_on, discharged_on as ended_on, observed_to, stayed, suspended, delivery_id
    from {{ ref('int_far__stay') }}
    union all
    select
        episode_key, touched_from, 'ADI', sender_code, care_id, person_ref, identifier_type_code, sex_code,
        birth_year, residence_comune_code, 'ADI-' || care_type_code, applicant_type_code,
        coalesce(applicant_type_code in ('7', '8'), false), coalesce(closure_reason_code = '99', false), closure_reason_code, started_on,
        started_on, first_access_on, closed_on, observed_to, stayed, suspended, delivery_id
    from {{ ref('int_adi__care') }}
    union all
    select
        episode_key, touched_from, 'SMAC', sender_code, contract_id, person_ref, identifier_type_code, sex_code,
        birth_year, residence_comune_code, 'SMAC-' || care_area_code || '-' || care_level_code, null, false, false,
        case when ended_on is not null then end_reason_code end, start_on, null, start_on, ended_on, observed_to, stayed,
        '{}'::datemultirange, delivery_id
    from {{ ref('int_smac__contract') }}
    union all
    select
        episode_key, touched_from, 'SISAM', sender_code, case_id, person_ref, identifier_type_code, sex_code,
        birth_year, residence_comune_code, 'SISAM-' || intervention_code, reporter_type_code, false, false, closure_reason_code, report_on,
        taking_in_charge_on, taking_in_charge_on, closed_on, observed_to, stayed, '{}'::datemultirange, delivery_id
    from {{ ref('int_sisam__case') }}
),

episode as (
    select
        named.*,
        case
            when named.person_ref is not null then coalesce(identity.person_key, -1)
            when named.identifier_type_code = '98' then -2
            else -1
        end as person_key
    from named
    left join {{ source('raw', 'identity__person') }} as identity
        on named.person_ref = identity.person_ref
),

-- Episodes after whose last day an office opened another of the same person and family: no code of FAR says that an office closed one.
goes_on as (
    {% for family, model, key, day, opened_by in [
        ('FAR', 'stg_far1__admission', 'admission_id', 'admission_on', "opening.origin_type_code in ('6', '7')"),
        ('ADI', 'stg_adi1__taking_in_charge', 'care_id', 'started_on', "opening.applicant_type_code in ('7', '8')")
    ] %}
        {{ 'union' if not loop.first }}
        select episode.episode_key
        from episode
        inner join {{ source('raw', 'identity__person') }} as identity
            on episode.person_key = identity.person_key
        inner join {{ ref(model) }} as opening
            on identity.person_ref = opening.person_ref
        where
            episode.service_family_code = '{{ family }}'
            and opening.{{ day }} between episode.ended_on and episode.ended_on + 1
            and opening.{{ day }} > episode.begun_on
            and {{ opened_by }}
    {% endfor %}
)

select
    episode.episode_key,
    episode.touched_from,
    episode.service_family_code,
    episode.sender_code,
    episode.episode_id,
    episode.person_key,
    coalesce(person.person_version_key, -1) as person_version_key,
    coalesce(case when family.sender_kind = 'district' then episode.sender_code end, comune.district_code, '-1') as district_code,
    episode.residence_comune_code,
    case
        when comune.comune_code is null then -1
        else {{ surrogate_key('territory', ["'comune'", 'comune.comune_code', 'comune.valid_from']) }}
    end as territory_key,
    coalesce(service.service_key, -1) as service_key,
    episode.has_administrative_start,
    episode.is_closed_by_office or goes_on.episode_key is not null as has_administrative_end,
    coalesce(end_reason.end_reason_key, case when episode.ended_on is null then -3 else -1 end) as end_reason_key,
    episode.applicant_type_code,
    episode.begun_on,
    episode.charged_on,
    episode.started_on,
    episode.ended_on,
    observed.observed_from,
    episode.observed_to,
    episode.stayed,
    episode.stayed - episode.suspended as in_charge,
    coalesce(episode.sex_code, nullif(person.sex_code, '-1'), '-1') as sex_code,
    person.birth_month_on,
    coalesce(episode.birth_year, person.birth_year) as birth_year,
    episode.delivery_id as delivery_key
from episode
inner join {{ ref('service_family') }} as family
    on episode.service_family_code = family.service_family_code
left join {{ ref('dim_person') }} as person
    on
        episode.person_key = person.person_key
        and episode.begun_on between person.valid_from and person.valid_to
left join {{ ref('territory') }} as comune
    on
        episode.residence_comune_code = comune.comune_code
        and episode.begun_on between comune.valid_from and comune.valid_to
        and comune.district_code is not null
left join {{ ref('int_service__observed') }} as observed
    on
        episode.service_family_code = observed.service_family_code
        and episode.sender_code = observed.sender_code
left join goes_on
    on episode.episode_key = goes_on.episode_key
left join {{ ref('dim_service') }} as service
    on episode.service_code = service.service_code
left join {{ ref('dim_end_reason') }} as end_reason
    on
        episode.service_family_code = end_reason.service_family_code
        and episode.end_reason_code = end_reason.end_reason_code
