-- depends_on: {{ ref('int_naar__touched_month') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_naar__touched_month', 'columns': ['month_on']}},
    indexes=[{'columns': ['month_on', 'territory_key', 'sex_code', 'age_band_key'], 'unique': true}, {'columns': ['district_code']}]
) }}
-- One row per month, comune of residence, sex and age band: the residents in the registry at the month's last snapshot.
with snapshot as (
    select snapshot.*
    from {{ ref('int_naar__snapshot') }} as snapshot
    {% if is_incremental() %}
        inner join {{ ref('int_naar__touched_month') }} as touched
            on snapshot.month_on = touched.month_on
    {% endif %}
),

-- Counted before it is spread over months: persons who share comune, sex, birth month and validity.
cohort as (
    select
        residence_comune_code,
        sex_code,
        birth_month_on,
        registered_from,
        valid_to,
        count(*) as n_residents
    from {{ ref('dim_person') }}
    where
        is_registered
        and status_code in ('A', 'S')
        {% if is_incremental() %}
            and valid_to >= (
                select min(snapshot.snapshot_on)
                from snapshot
            )
        {% endif %}
    group by residence_comune_code, sex_code, birth_month_on, registered_from, valid_to
),

-- The age is worked out once for all who were born in a month, not for each of them.
born as (
    select
        snapshot.snapshot_on,
        birth.birth_month_on,
        age_band.age_band_key
    from snapshot
    cross join (
        select distinct cohort.birth_month_on
        from cohort
    ) as birth
    inner join {{ ref('dim_age_band') }} as age_band
        on
            extract(year from age(snapshot.snapshot_on, birth.birth_month_on)) between age_band.age_from and age_band.age_to
            and age_band.age_band_key > 0
),

month as (
    select
        snapshot.month_on,
        snapshot.snapshot_on,
        snapshot.delivery_id,
        cohort.residence_comune_code,
        cohort.sex_code,
        born.age_band_key,
        sum(cohort.n_residents) as n_residents
    from cohort
    inner join snapshot
        on snapshot.snapshot_on between cohort.registered_from and cohort.valid_to
    left join born
        on
            snapshot.snapshot_on = born.snapshot_on
            and cohort.birth_month_on = born.birth_month_on
    group by 1, 2, 3, 4, 5, 6
)

select
    month.month_on,
    cast(to_char(month.month_on, 'YYYYMMDD') as integer) as month_date_key,
    coalesce(territory.territory_key, -1) as territory_key,
    coalesce(territory.district_code, '-1') as district_code,
    coalesce(territory.ausl_code, '-1') as ausl_code,
    month.sex_code,
    coalesce(month.age_band_key, -1) as age_band_key,
    month.delivery_id as delivery_key,
    month.snapshot_on,
    cast(sum(month.n_residents) as integer) as n_residents
from month
left join {{ ref('dim_territory') }} as territory
    on
        territory.territory_level = 'comune'
        and month.residence_comune_code = territory.territory_code
        and month.snapshot_on between territory.valid_from and territory.valid_to
group by 1, 2, 3, 4, 5, 6, 7, 8, 9
