{# Distinct persons of years, places and periods, without looking for each of them in each. What a person is in a year and place is the set
   of months in which she was there; who has the same set is counted together.
   `seen` is a relation with month_on (any day of the month), district_code, ausl_code, person_key (none is nobody) and the columns `by`.
   With end_months among them a row counts in the periods alone at whose end she is what the row says: see fct_person_year. #}

{# One row per year, territory, columns of `by` and set of months (bits, January the lowest): how many persons have it. Nearly everybody has
   one district in a year, and the set of it wherever she counts: only the others have to be told apart in each place. #}
{% macro persons_by_months(seen, by=[]) -%}
    with in_district as (
        select
            cast(extract(year from month_on) as integer) as year_number,
            district_code,
            ausl_code,
            person_key,
        {% for column in by %}
            seen.{{ column }},
        {% endfor %}
            bit_or(1 << cast(extract(month from month_on) as integer) - 1) as months
        from {{ seen }} as seen
        where person_key is not null
        group by {{ range(1, 5 + by | length) | join(', ') }}
    ),

    person as (
        select
            in_district.*,
            count(*) over (partition by {{ (['year_number', 'person_key'] + by) | join(', ') }}) = 1 as is_in_one_district
        from in_district
    ),

    of_one_district as (
        select
            year_number,
            district_code,
            ausl_code,
            months,
        {% for column in by %}
            person.{{ column }},
        {% endfor %}
            count(*) as n_persons
        from person
        where is_in_one_district
        group by {{ range(1, 5 + by | length) | join(', ') }}
    ),

    of_several_districts as (
        select
            person.year_number,
            place.territory_level,
            place.territory_code,
            person.person_key,
        {% for column in by %}
            person.{{ column }},
        {% endfor %}
            bit_or(person.months) as months
        from person
        {{ places('person.district_code', 'person.ausl_code') }}
        where not person.is_in_one_district
        group by {{ range(1, 5 + by | length) | join(', ') }}
    )

    select
        of_one_district.year_number,
        place.territory_level,
        place.territory_code,
    {% for column in by %}
        of_one_district.{{ column }},
    {% endfor %}
        of_one_district.months,
        sum(of_one_district.n_persons) as n_persons
    from of_one_district
    {{ places('of_one_district.district_code', 'of_one_district.ausl_code') }}
    group by {{ range(1, 5 + by | length) | join(', ') }}
    union all
    select
        year_number,
        territory_level,
        territory_code,
    {% for column in by %}
        of_several_districts.{{ column }},
    {% endfor %}
        months,
        1 as n_persons
    from of_several_districts
{%- endmacro %}

{# One row per cell that `cuts` gives and columns of `by`: a set of months stands in every period that has one of them. Year and
   place are looked up too, as that can be done before the periods are made. #}
{% macro persons_in_cells(seen, touched, by=[], types=['month', 'quarter', 'half_year', 'year']) -%}
    {%- set counted_by = by | reject('equalto', 'end_months') | list -%}
    with same_months as (
        {{ persons_by_months(seen, by) }}
    ),

    in_period as (
        select
            period.period_type,
            make_date(same_months.year_number, period.first_month, 1) as period_start_on,
            same_months.*
        from same_months
        inner join (
            {{ periods_of_a_year(types) }}
        ) as period
            on
                same_months.months & period.months <> 0
                {% if 'end_months' in by %}
                    and same_months.end_months & period.end_month <> 0
                {% endif %}
    )

    select
        period_type,
        period_start_on,
        territory_level,
        territory_code,
    {% for column in counted_by %}
        in_period.{{ column }},
    {% endfor %}
        cast(sum(n_persons) as bigint) as n_persons
    from in_period
    {% if is_incremental() %}
        where
            {{ is_among_touched(touched, ['year_number', 'territory_level', 'territory_code']) }}
            and {{ is_among_touched(touched, ['period_type', 'period_start_on', 'territory_level', 'territory_code']) }}
    {% endif %}
    group by {{ range(1, 5 + counted_by | length) | join(', ') }}
{%- endmacro %}

{% macro periods_of_a_year(types) -%}
    select
        length.period_type,
        series.first_month,
        ((1 << length.n_months) - 1) << series.first_month - 1 as months,
        1 << series.first_month + length.n_months - 2 as end_month
    from (
        values ('month', 1), ('quarter', 3), ('half_year', 6), ('year', 12)
    ) as length (period_type, n_months)
    cross join lateral generate_series(1, 12, length.n_months) as series (first_month)
    where length.period_type in ('{{ types | join("', '") }}')
{%- endmacro %}

{# Of a row of fct_person_year, whether it says what she is at the end of a period. #}
{% macro is_at_end_of(period, person_year) -%}
    {{ person_year }}.end_months & (
        1 << cast(extract(month from {{ period }}.period_start_on) as integer) - 2
        + case {{ period }}.period_type when 'month' then 1 when 'quarter' then 3 when 'half_year' then 6 else 12 end
    ) <> 0
{%- endmacro %}
