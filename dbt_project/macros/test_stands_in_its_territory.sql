{# Generic test: the district and the AUSL of a fact's row were there on its own day, the one in the other. So the rows of an AUSL are those
   of its districts, and of who lives in none of them. Looked at are the rows that a build can have broken, as in points_to_members. #}
{% test stands_in_its_territory(model, day) %}
    {{- config(fail_calc='coalesce(cast(sum(n_rows) as bigint), 0)') -}}
    {{ out_of_place(model, day) }}
{% endtest %}

{% macro out_of_place(fact, day) -%}
    with checked as (
        {{ rows_to_check(fact, {
            'district_code': 'dim_district.district_code', 'ausl_code': 'dim_ausl.ausl_code', day: 'dim_date.date_on'
        }) }}
    ),

    place as (
        select
            district_code,
            ausl_code,
            {{ day }} as day_on,
            count(*) as n_rows
        from checked
        group by district_code, ausl_code, {{ day }}
    )

    select place.*
    from place
    where
        place.district_code || place.ausl_code <> '-1-1'
        and not exists (
            select 1
            from {{ ref('dim_territory') }} as member
            where
                place.day_on between member.valid_from and member.valid_to
                and place.ausl_code = member.ausl_code
                and (
                    (member.territory_level = 'district' and place.district_code = member.territory_code)
                    or (member.territory_level = 'ausl' and place.district_code = '-1')
                )
        )
{%- endmacro %}
