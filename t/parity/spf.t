#!/usr/bin/perl
# The test suites of SPF, of RFC 7208 and of RFC 4408 before it, each case with its own zone: the result, and the
# explanation where one is asked for.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use lib 't/lib';
use Poterne::Data qw(unpacked);

my $program = ( $ENV{POTERNE_BUILD} // 'build' ) . '/t/parity/spf_results';
plan skip_all => "$program is not built" if !-x $program;
plan skip_all => 'libyaml-libyaml-perl is not installed' if !eval { require YAML::XS; 1 };
my $suites = unpacked('suites/suites') or plan skip_all => Poterne::Data::folder() . '/suites is not there';
my $work = tempdir( 'poterne-spf-XXXXXX', TMPDIR => 1, CLEANUP => 1 );

sub quoted {
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    $text =~ s/([^ !#-\[\]-~])/sprintf '\\%03d', ord $1/ge;
    return "\"$text\"";
}

sub data_of {
    my ( $type, $value ) = @_;
    return join q{ }, map { quoted( $_ // q{} ) } ref $value ? @{$value} : $value if $type eq 'TXT';
    return join q{ }, map { $_ eq q{} ? q{.} : $_ } ref $value ? @{$value} : $value;
}

# The suite's own way to write a zone: a record of type SPF stands for TXT, too, where there is none; NONE takes that
# back; TIMEOUT is what is asked beyond the records before it.
sub write_zone {
    my ( $data, $path ) = @_;
    open my $out, '>', $path or die "$path: $!\n";
    for my $name ( sort keys %{$data} ) {
        my @records = @{ $data->{$name} };
        my $has_txt = grep { ref $_ && exists $_->{TXT} } @records;
        for my $record (@records) {
            if ( !ref $record ) {
                print {$out} "$name TIMEOUT\n";
                next;
            }
            my ( $type, $value ) = %{$record};
            next if $type eq 'SPF' && $has_txt;
            $type = 'TXT' if $type eq 'SPF';
            next if !ref $value && ( $value // q{} ) eq 'NONE';
            my $line = !ref $value && ( $value // q{} ) eq 'TIMEOUT' ? "TIMEOUT $type" : "$type " . data_of( $type, $value );
            print {$out} $name =~ s/ /\\032/gr, " $line\n" if $name ne q{};
        }
    }
    close $out or die "$path: $!\n";
    return;
}

sub answers {
    my ( $zone, $tests ) = @_;
    my $questions = "$work/questions";
    open my $out, '>:encoding(UTF-8)', $questions or die "$questions: $!\n";
    for my $name ( sort keys %{$tests} ) {
        my $test = $tests->{$name};
        print {$out} join( "\t", $name, $test->{host}, $test->{helo} // q{}, $test->{mailfrom} // q{} ), "\n";
    }
    close $out or die "$questions: $!\n";
    my %answers;
    open my $run, '-|', "$program $zone <$questions" or die "$program: $!\n";
    while (<$run>) {
        chomp;
        my ( $name, $result, undef, $explanation ) = split /\t/, $_, -1;
        $answers{$name} = [ $result, $explanation ];
    }
    close $run or die "$program failed on $zone\n";
    return %answers;
}

# One of the results that the suite allows, and the words of the domain where it names them.
sub judge {
    my ( $label, $test, $answer ) = @_;
    my @allowed = ref $test->{result} ? @{ $test->{result} } : $test->{result};
    my ( $result, $explanation ) = @{ $answer // [ 'no answer', q{} ] };
    my $good = grep { $result eq lc } @allowed;
    my $words = $test->{explanation} // 'DEFAULT';
    $words = q{} if $words eq 'DEFAULT' || $result ne 'fail';
    my $said = !defined $test->{explanation} || $explanation eq $words;
    ok( $good && $said, $label )
      or diag "$result \"$explanation\", expected @allowed \"$words\"";
    return;
}

for my $suite (qw(rfc7208 rfc4408)) {
    my $path = "$suites/spf/$suite-tests.yml";
    open my $in, '<:raw', $path or die "$path: $!\n";
    my $text = do { local $/ = undef; <$in> };
    close $in or die "$path: $!\n";
    my $n = 0;
    for my $scenario ( YAML::XS::Load($text) ) {
        my $zone = "$work/zone";
        write_zone( $scenario->{zonedata}, $zone );
        my %answers = answers( $zone, $scenario->{tests} );
        for my $name ( sort keys %{ $scenario->{tests} } ) {
            judge( "$suite: $name", $scenario->{tests}{$name}, $answers{$name} );
            $n++;
        }
    }
    note "$suite: $n cases";
}
done_testing();
