{{ config(materialized='table', indexes=[{'columns': ['episode_key'], 'unique': true}]) }}
-- One row per episode of a service that new deliveries wrote or whose person identity has moved, with the first day that may differ.
with moved_ref as (
    select person_ref
    from {{ source('raw', 'identity__person') }}
    where {{ in_new_identities('moved_seq') }}
),

-- Persons whom a record that came or moved says an office took over, or no longer says so: what they were in before goes on, or ended.
taken_over as (
    {% for family, table, key, is_taken_over in [
        ('FAR', 'far1__admission', 'admission_id', "opening.origin_type_code in ('6', '7')"),
        ('ADI', 'adi1__taking_in_charge', 'care_id', "opening.applicant_type_code in ('7', '8')")
    ] %}
        {{ 'union' if not loop.first }}
        select
            '{{ family }}' as service_family_code,
            person.person_key
        from (
            {{ touched_records(family, table, key) }}
        ) as record
        inner join {{ source('raw', table) }} as opening
            on
                record.sender_code = opening.sender_code
                and record.episode_id = opening.{{ key }}
                and {{ is_taken_over }}
        inner join (
            select
                person_ref,
                person_key
            from {{ source('raw', 'identity__person') }}
            union all
            select
                person_ref,
                old_person_key
            from {{ source('raw', 'identity__relink') }}
            where {{ in_new_identities('changed_seq') }}
        ) as person
            on opening.person_ref = person.person_ref
        where {{ from_delivery_id() }} > 0
    {% endfor %}
),

-- The first day that a sender delivered is another now.
newly_observed as (
    select
        service_family_code,
        sender_code
    from {{ ref('int_service__observed') }}
    where
        {{ from_delivery_id() }} > 0
        and observed_from is distinct from observed_from_before
),

touched as (
    {{ touched_records('FAR', 'far1__admission', 'admission_id') }}
    union all
    {{ touched_periods(
        'FAR', 'far2__period', 'admission_id', 'quarter',
        [
            ('tariff', 'tariff_from_on'), ('suspension', 'suspended_from_on'), ('assessment', 'assessed_on'),
            ('discharge', 'discharged_on - 1')
        ]
    ) }}
    union all
    {{ touched_records('ADI', 'adi1__taking_in_charge', 'care_id') }}
    union all
    {{ touched_periods(
        'ADI', 'adi2__care', 'care_id', 'month',
        [
            ('access', 'access_on'), ('suspension', 'suspended_from_on'), ('reassessment', 'reassessed_on'),
            ('closure', 'closed_on')
        ]
    ) }}
    union all
    {{ touched_records('SMAC', 'smac__contract', 'contract_id') }}
    union all
    {{ touched_records('SISAM', 'sisam__case', 'case_id') }}
    union all
    -- An open case stays in charge for as long as its sender delivers.
    select
        'SISAM',
        open_case.sender_code,
        open_case.case_id,
        observed.observed_to_before + 1
    from {{ ref('int_service__observed') }} as observed
    inner join {{ ref('stg_sisam__case') }} as open_case
        on observed.sender_code = open_case.sender_code
    where
        observed.service_family_code = 'SISAM'
        and observed.observed_to > observed.observed_to_before
        and open_case.taking_in_charge_on is not null
        and open_case.closed_on is null
    {% for family, table, key in [
        ('FAR', 'far1__admission', 'admission_id'),
        ('ADI', 'adi1__taking_in_charge', 'care_id'),
        ('SMAC', 'smac__contract', 'contract_id'),
        ('SISAM', 'sisam__case', 'case_id')
    ] %}
        union all
        select
            '{{ family }}',
            record.sender_code,
            record.{{ key }},
            date '1900-01-01'
        from newly_observed
        inner join {{ source('raw', table) }} as record
            on
                newly_observed.service_family_code = '{{ family }}'
                and newly_observed.sender_code = record.sender_code
        {% if family in ('FAR', 'ADI') %}
            union all
            select
                '{{ family }}',
                record.sender_code,
                record.{{ key }},
                date '1900-01-01'
            from taken_over
            inner join {{ source('raw', 'identity__person') }} as identity
                on
                    taken_over.service_family_code = '{{ family }}'
                    and taken_over.person_key = identity.person_key
            inner join {{ source('raw', table) }} as record
                on identity.person_ref = record.person_ref
        {% endif %}
    {% endfor %}
)

select
    {{ surrogate_key('episode', ['service_family_code', 'sender_code', 'episode_id']) }} as episode_key,
    service_family_code,
    sender_code,
    episode_id,
    min(touched_from) as touched_from
from touched
group by service_family_code, sender_code, episode_id
