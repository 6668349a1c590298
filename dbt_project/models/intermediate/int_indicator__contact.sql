-- depends_on: {{ ref('int_iass__touched_cell') }}
-- depends_on: {{ ref('dim_date') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }}
) }}
-- One row per quarter, half-year or year and territory in which there was a contact: the comuni whose desks had one,
-- and their residents.
with in_place as (
    select distinct
        cast(date_trunc('month', contact.contact_on) as date) as month_on,
        contact.district_code,
        contact.ausl_code,
        desk_comune.comune_code
    from {{ ref('fct_contact') }} as contact
    inner join {{ ref('dim_territory') }} as desk_comune
        on contact.territory_key = desk_comune.territory_key
    {% if is_incremental() %}
        where {{ in_touched_years('contact.contact_date_key', 'int_iass__touched_cell') }}
    {% endif %}
),

contact as (
    select distinct
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        in_place.comune_code
    from in_place
    {{ cuts(
        'in_place.month_on', 'in_place.district_code', 'in_place.ausl_code', 'int_iass__touched_cell', ['quarter', 'half_year', 'year']
    ) }}
),

-- Comuni that have merged since stand in no population of today: they count as comuni, not as residents.
comune_residents as (
    select
        population.reference_on,
        comune.comune_code,
        sum(population.n_residents) as n_residents
    from {{ ref('fct_population') }} as population
    inner join {{ ref('dim_territory') }} as comune
        on population.territory_key = comune.territory_key
    group by 1, 2
),

residents_day as (
    select distinct
        year_number,
        residents_on
    from {{ ref('int_population__residents') }}
)

select
    contact.period_type,
    contact.period_start_on,
    cast(extract(year from contact.period_start_on) as integer) as year_number,
    contact.territory_level,
    contact.territory_code,
    count(*) filter (where contact.comune_code <> '-1') as n_comuni_with_desk,
    coalesce(sum(comune_residents.n_residents) filter (where contact.comune_code <> '-1'), 0) as n_residents_with_desk
from contact
inner join residents_day
    on extract(year from contact.period_start_on) = residents_day.year_number
left join comune_residents
    on
        residents_day.residents_on = comune_residents.reference_on
        and contact.comune_code = comune_residents.comune_code
group by 1, 2, 3, 4, 5
