-- One row per comune, district, AUSL or region and period in which its place in the hierarchy did not change; and one per AUSL of today for
-- the time before it was there, when its districts lay in others.
with comune as (
    select
        'comune' as territory_level,
        comune_code as territory_code,
        comune_label as territory_label,
        comune_code,
        province_code,
        district_code,
        district_label,
        ausl_code,
        ausl_label,
        valid_from,
        valid_to
    from {{ ref('territory') }}
),

district as (
    select
        'district' as territory_level,
        district_code as territory_code,
        min(district_label) as territory_label,
        '-3' as comune_code,
        min(province_code) as province_code,
        district_code,
        min(district_label) as district_label,
        ausl_code,
        min(ausl_label) as ausl_label,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to
    from {{ ref('territory') }}
    where district_code is not null
    group by district_code, ausl_code
),

ausl as (
    select
        'ausl' as territory_level,
        ausl_code as territory_code,
        min(ausl_label) as territory_label,
        '-3' as comune_code,
        '-3' as province_code,
        '-3' as district_code,
        'Non applicabile' as district_label,
        ausl_code,
        min(ausl_label) as ausl_label,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to
    from {{ ref('territory') }}
    where ausl_code is not null
    group by ausl_code
),

ausl_today as (
    select
        'ausl_today' as territory_level,
        territory_code,
        territory_label || ' (confini ' || extract(year from valid_from) || ')' as territory_label,
        comune_code,
        province_code,
        district_code,
        district_label,
        ausl_code,
        ausl_label,
        date '1900-01-01' as valid_from,
        valid_from - 1 as valid_to
    from ausl
    where
        valid_from > date '1900-01-01'
        and valid_to = date '9999-12-31'
),

region as (
    select
        'region' as territory_level,
        '080' as territory_code,
        'Emilia-Romagna' as territory_label,
        '-3' as comune_code,
        '-3' as province_code,
        '-3' as district_code,
        'Non applicabile' as district_label,
        '-3' as ausl_code,
        'Non applicabile' as ausl_label,
        date '1900-01-01' as valid_from,
        date '9999-12-31' as valid_to
)

select * from comune
union all
select * from district
union all
select * from ausl
union all
select * from ausl_today
union all
select * from region
