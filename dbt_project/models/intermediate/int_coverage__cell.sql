{{ config(
    materialized='table',
    indexes=[{'columns': ['subject_code', 'period_type', 'period_start_on', 'territory_level', 'territory_code'], 'unique': true}]
) }}
-- One row per subject, period, period type and territory: which of its district months came, and the residents that they stand for. Beside
-- the desks and each family of services stand `services`, all of them, and `tariffs`, those that tell euro: a month is received in
-- part when one of its flows came.
with member as (
    select
        listed.subject_code,
        part.part_code
    from (
        values
        ('IASS', array['IASS']),
        ('FAR', array['FAR']),
        ('ADI', array['ADI']),
        ('SMAC', array['SMAC']),
        ('SISAM', array['SISAM']),
        ('services', array['FAR', 'ADI', 'SMAC', 'SISAM']),
        ('tariffs', array['FAR', 'SMAC'])
    ) as listed (subject_code, part_codes)
    cross join lateral unnest(listed.part_codes) as part (part_code)
),

ever as (
    select subject_code
    from {{ ref('int_coverage__month') }}
    group by subject_code
    having bool_or(is_observed)
),

-- Whether a month is observed is asked of those parts that anybody ever delivered.
month as (
    select
        member.subject_code,
        month.month_on,
        month.district_code,
        month.ausl_code,
        count(*) as n_parts,
        count(*) filter (where month.is_received) as n_parts_received,
        coalesce(bool_and(month.is_observed) filter (where ever.subject_code is not null), false) as is_observed,
        bool_or(month.is_observed) as is_begun
    from member
    inner join {{ ref('int_coverage__month') }} as month
        on member.part_code = month.subject_code
    left join ever
        on member.part_code = ever.subject_code
    group by 1, 2, 3, 4
),

resident as (
    select
        month.*,
        residents.residents_on,
        residents.structure_on,
        residents.n_residents,
        residents.n_residents_75
    from month
    left join {{ ref('int_population__residents') }} as residents
        on
            extract(year from month.month_on) = residents.year_number
            and residents.territory_level = 'district'
            and month.district_code = residents.territory_code
)

select
    resident.subject_code,
    period.period_type,
    period.period_start_on,
    place.territory_level,
    place.territory_code,
    cast(sum(resident.n_parts) as integer) as n_months_expected,
    cast(sum(resident.n_parts_received) as integer) as n_months_received,
    bool_or(resident.is_begun) as is_begun,
    bool_and(resident.is_observed) as is_whole,
    sum(resident.n_parts) = sum(resident.n_parts_received) as is_complete,
    min(resident.residents_on) as residents_on,
    min(resident.structure_on) as structure_on,
    -- Of each place in the months in which it is one.
    cast(round(sum(resident.n_residents) / count(distinct resident.month_on)) as integer) as n_residents,
    cast(sum(resident.n_residents_75) / count(distinct resident.month_on) as double precision) as n_residents_75,
    cast(sum(resident.n_residents) filter (where resident.n_parts_received > 0) as double precision)
    / count(distinct resident.month_on) as n_residents_covered,
    cast(sum(resident.n_residents_75) filter (where resident.n_parts_received > 0) as double precision)
    / count(distinct resident.month_on) as n_residents_75_covered
from resident
{{ period_cuts('resident.month_on') }}
{{ places('resident.district_code', 'resident.ausl_code') }}
group by 1, 2, 3, 4, 5
