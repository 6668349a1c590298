-- depends_on: {{ ref('int_iass__touched_cell') }}
-- depends_on: {{ ref('dim_date') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }},
    indexes=[{'columns': ['period_type', 'territory_level', 'period_start_on', 'territory_code', 'level1_code'], 'unique': true}]
) }}
-- One row per period, period type, territory and category of demand (level 1): sum demands over categories, never persons.
with asked as (
    select
        cast(date_trunc('month', demand.contact_on) as date) as month_on,
        demand.district_code,
        demand.ausl_code,
        demand_type.level1_code,
        min(demand_type.level1_label) as level1_label,
        case when demand.is_person_identified then demand.person_key end as person_key,
        count(*) as n_demands
    from {{ ref('fct_demand') }} as demand
    inner join {{ ref('dim_demand_type') }} as demand_type
        on demand.demand_type_key = demand_type.demand_type_key
    {% if is_incremental() %}
        where {{ in_touched_years('demand.contact_date_key', 'int_iass__touched_cell') }}
    {% endif %}
    group by 1, 2, 3, 4, 6
),

in_place as (
    select
        month_on,
        district_code,
        ausl_code,
        level1_code,
        min(level1_label) as level1_label,
        sum(n_demands) as n_demands
    from asked
    group by 1, 2, 3, 4
),

in_cell as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        in_place.level1_code,
        min(in_place.level1_label) as level1_label,
        cast(sum(in_place.n_demands) as bigint) as n_demands
    from in_place
    {{ cuts('in_place.month_on', 'in_place.district_code', 'in_place.ausl_code', 'int_iass__touched_cell') }}
    group by 1, 2, 3, 4, 5
),

person as (
    {{ persons_in_cells('asked', 'int_iass__touched_cell', by=['level1_code']) }}
)

select
    in_cell.period_type,
    in_cell.period_start_on,
    cast(extract(year from in_cell.period_start_on) as integer) as year_number,
    in_cell.territory_level,
    in_cell.territory_code,
    in_cell.level1_code,
    in_cell.level1_label,
    in_cell.n_demands,
    coalesce(person.n_persons, 0) as n_persons
from in_cell
left join person
    using (period_type, period_start_on, territory_level, territory_code, level1_code)
