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
-- Sex, age band and citizenship are those at the end of the period (fct_person_year); a target holds if any demand says so. Contacts are
-- official ones.
with in_place as (
    select
        cast(date_trunc('month', demand.contact_on) as date) as month_on,
        demand.district_code,
        demand.ausl_code,
        demand.person_key,
        count(distinct demand.official_contact_key) as n_contacts,
        bool_or(target.report_target_code = 'FAM') as is_family,
        bool_or(target.report_target_code = 'ANZ') as is_elderly
    from {{ ref('fct_demand') }} as demand
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
        sum(in_place.n_contacts) as n_contacts,
        bool_or(in_place.is_family) as is_family,
        bool_or(in_place.is_elderly) as is_elderly
    from in_place
    {{ cuts(
        'in_place.month_on', 'in_place.district_code', 'in_place.ausl_code', 'int_iass__touched_cell', ['quarter', 'half_year', 'year']
    ) }}
    group by 1, 2, 3, 4, 5
)

select
    person.period_type,
    person.period_start_on,
    described.year_number,
    person.territory_level,
    person.territory_code,
    described.sex_code,
    described.age_band_key,
    count(*) as n_persons,
    count(*) filter (where person.n_contacts > 1) as n_persons_repeated,
    count(*) filter (where citizenship.citizenship_group = 'straniera') as n_persons_foreign,
    count(*) filter (where citizenship.citizenship_group <> 'non disponibile') as n_persons_citizenship_known,
    count(*) filter (where person.is_family) as n_persons_family,
    count(*) filter (where person.is_elderly) as n_persons_elderly
from person
inner join {{ ref('fct_person_year') }} as described
    on
        person.person_key = described.person_key
        and extract(year from person.period_start_on) = described.year_number
        and {{ is_at_end_of('person', 'described') }}
inner join {{ ref('dim_citizenship') }} as citizenship
    on described.citizenship_key = citizenship.citizenship_key
group by 1, 2, 3, 4, 5, 6, 7
