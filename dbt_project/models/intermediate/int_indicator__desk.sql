-- depends_on: {{ ref('int_iass__touched_cell') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }}
) }}
-- One row per quarter, half-year or year, territory and indicator of the social desks: numerator and denominator, or the value itself
-- where it is no quotient. A territory that delivered nothing has a row without numbers.
with spine as (
    select *
    from {{ ref('contact_monthly') }}
    where
        period_type <> 'month'
        {% if is_incremental() %}
            and {{ is_among_touched('int_iass__touched_cell', ['period_type', 'period_start_on', 'territory_level', 'territory_code']) }}
        {% endif %}
),

comune as (
    select
        spine.period_type,
        spine.period_start_on,
        spine.territory_level,
        spine.territory_code,
        count(*) as n_comuni,
        sum(residents.n_residents) as n_residents
    from spine
    inner join {{ ref('int_territory__member') }} as member
        on
            member.territory_level = 'comune'
            and spine.period_start_on between member.valid_from and member.valid_to
            and spine.territory_code in (member.district_code, member.ausl_code, {{ ausl_of_today('member.ausl_code') }}, '080')
    inner join (
        select distinct
            year_number,
            structure_on
        from {{ ref('int_population__residents') }}
    ) as structure
        on spine.year_number = structure.year_number
    left join (
        select
            population.reference_on,
            territory.comune_code,
            sum(population.n_residents) as n_residents
        from {{ ref('fct_population') }} as population
        inner join {{ ref('dim_territory') }} as territory
            on population.territory_key = territory.territory_key
        group by 1, 2
    ) as residents
        on
            structure.structure_on = residents.reference_on
            and member.comune_code = residents.comune_code
    where member.district_code is not null
    group by 1, 2, 3, 4
),

person as (
    select
        period_type,
        period_start_on,
        territory_level,
        territory_code,
        sum(n_persons) as n_persons,
        sum(n_persons_repeated) as n_persons_repeated,
        sum(n_persons_foreign) as n_persons_foreign,
        sum(n_persons_citizenship_known) as n_persons_citizenship_known,
        sum(n_persons_family) as n_persons_family,
        sum(n_persons_elderly) as n_persons_elderly
    from {{ ref('int_indicator__person') }}
    group by 1, 2, 3, 4
)

select
    spine.period_type,
    spine.period_start_on,
    spine.territory_level,
    spine.territory_code,
    measure.indicator_code,
    cast(measure.numerator as double precision) as numerator,
    cast(measure.denominator as double precision) as denominator,
    cast(spine.n_persons as bigint) as n_persons,
    cast(measure.own_value as double precision) as own_value,
    cast(measure.variance as double precision) as variance,
    spine.n_deliveries_received > 0 as is_received,
    spine.is_whole,
    spine.is_complete
from spine
left join {{ ref('int_indicator__contact') }} as contact
    using (period_type, period_start_on, territory_level, territory_code)
left join person
    using (period_type, period_start_on, territory_level, territory_code)
left join {{ ref('int_indicator__demand') }} as demand
    using (period_type, period_start_on, territory_level, territory_code)
left join {{ ref('int_indicator__interview') }} as interview
    using (period_type, period_start_on, territory_level, territory_code)
left join {{ ref('int_indicator__delivery') }} as delivery
    using (period_type, period_start_on, territory_level, territory_code)
left join {{ ref('int_indicator__standardised') }} as standardised
    using (period_type, period_start_on, territory_level, territory_code)
left join comune
    using (period_type, period_start_on, territory_level, territory_code)
cross join
    lateral (
        values
        ('contacts_per_1000', spine.n_contacts, spine.n_residents_covered, null, contact.variance),
        ('persons_per_1000', spine.n_persons, spine.n_residents_covered, null, null),
        ('persons_per_1000_standardised', standardised.n_persons, spine.n_residents_covered, standardised.rate, standardised.variance),
        ('comuni_with_desk_percent', coalesce(contact.n_comuni_with_desk, 0 * spine.n_contacts), comune.n_comuni, null, null),
        ('residents_with_desk_percent', coalesce(contact.n_residents_with_desk, 0 * spine.n_contacts), comune.n_residents, null, null),
        ('demands_per_contact', spine.n_demands, spine.n_contacts, null, null),
        ('persons_repeated_percent', person.n_persons_repeated, person.n_persons, null, null),
        ('persons_foreign_percent', person.n_persons_foreign, person.n_persons_citizenship_known, null, null),
        ('persons_family_percent', person.n_persons_family, person.n_persons, null, null),
        ('persons_elderly_percent', person.n_persons_elderly, person.n_persons, null, null),
        ('demands_immediate_percent', demand.n_demands_immediate, demand.n_demands, null, null),
        ('demands_assessment_percent', demand.n_demands_assessment, demand.n_demands, null, null),
        ('median_days_to_interview', null, interview.n_interviews, interview.median_wait_days, null),
        ('deliveries_received_percent', delivery.n_deliveries_received, delivery.n_deliveries_expected, null, null),
        ('deliveries_timely_percent', delivery.n_deliveries_timely, delivery.n_deliveries_expected, null, null),
        ('records_discarded_percent', delivery.records_discarded, delivery.records_sent, null, null),
        ('demands_identified_percent', demand.n_demands_identified, demand.n_demands, null, null),
        ('demands_registered_percent', demand.n_demands_registered, demand.n_demands, null, null)
    ) as measure (indicator_code, numerator, denominator, own_value, variance)
