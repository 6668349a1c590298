-- depends_on: {{ ref('int_iass__touched_cell') }}
-- depends_on: {{ ref('dim_date') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }}
) }}
-- One row per quarter, half-year or year, territory, sex and age band: identified persons, each once in her territory and period.
-- Her age band is the one of her last demand there; what she is counted for (foreign, target …) holds if any demand says so.
with in_place as (
    select
        cast(date_trunc('month', demand.contact_on) as date) as month_on,
        demand.district_code,
        demand.ausl_code,
        demand.person_key,
        max(demand.sex_code) as sex_code,
        max(array[demand.contact_on - date '1900-01-01', -demand.demand_key, demand.age_band_key]) as last_demand,
        count(distinct demand.contact_key) as n_contacts,
        bool_or(citizenship.citizenship_group = 'straniera') as is_foreign,
        bool_or(citizenship.citizenship_group <> 'non disponibile') as is_citizenship_known,
        bool_or(target.report_target_code = 'FAM') as is_family,
        bool_or(target.report_target_code = 'ANZ') as is_elderly
    from {{ ref('fct_demand') }} as demand
    inner join {{ ref('dim_citizenship') }} as citizenship
        on demand.citizenship_key = citizenship.citizenship_key
    inner join {{ ref('dim_target_group') }} as target
        on demand.target_group_key = target.target_group_key
    where
        demand.is_person_identified
        {% if is_incremental() %}
            and {{ in_touched_years('demand.contact_date_key', 'int_iass__touched_cell') }}
        {% endif %}
    group by 1, 2, 3, 4
),

person as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        in_place.person_key,
        max(in_place.sex_code) as sex_code,
        (max(in_place.last_demand))[3] as age_band_key,
        sum(in_place.n_contacts) as n_contacts,
        bool_or(in_place.is_foreign) as is_foreign,
        bool_or(in_place.is_citizenship_known) as is_citizenship_known,
        bool_or(in_place.is_family) as is_family,
        bool_or(in_place.is_elderly) as is_elderly
    from in_place
    {{ cuts(
        'in_place.month_on', 'in_place.district_code', 'in_place.ausl_code', 'int_iass__touched_cell', ['quarter', 'half_year', 'year']
    ) }}
    group by 1, 2, 3, 4, 5
)

select
    period_type,
    period_start_on,
    cast(extract(year from period_start_on) as integer) as year_number,
    territory_level,
    territory_code,
    sex_code,
    age_band_key,
    count(*) as n_persons,
    count(*) filter (where n_contacts > 1) as n_persons_repeated,
    count(*) filter (where is_foreign) as n_persons_foreign,
    count(*) filter (where is_citizenship_known) as n_persons_citizenship_known,
    count(*) filter (where is_family) as n_persons_family,
    count(*) filter (where is_elderly) as n_persons_elderly
from person
group by 1, 2, 3, 4, 5, 6, 7
